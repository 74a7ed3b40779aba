import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** Bytes that one checksum covers. */
const CHUNK = 1 << 20;
const READ_BYTES = 4 * CHUNK;

/**
 * CRC-32 of each mebibyte of a stream of bytes. A CRC notices every flipped bit and every run of up to 32 harmed bits,
 * and costs less than half of SHA-256. It protects against harm, not against an attacker.
 */
export class Checksums {
  readonly #chunks: number[] = [];
  #crc = 0;
  /** Bytes of the chunk that is not full yet. */
  #filled = 0;

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + CHUNK - this.#filled);
      this.#crc = crc32(part, this.#crc);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === CHUNK) this.#close();
    }
  }

  /** sha256 (hex) over the checksums and a table that describes the bytes. */
  digest(table: unknown): string {
    if (this.#filled > 0) this.#close();
    return createHash('sha256')
      .update(JSON.stringify(table))
      .update(new Uint8Array(Uint32Array.from(this.#chunks).buffer))
      .digest('hex');
  }

  #close(): void {
    this.#chunks.push(this.#crc);
    this.#crc = 0;
    this.#filled = 0;
  }
}

/** The digest of a whole file and its table. @throws an error of the file system */
export async function digestOf(path: string, table: unknown): Promise<string> {
  const checksums = new Checksums();
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      checksums.add(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
  return checksums.digest(table);
}
