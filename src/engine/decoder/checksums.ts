import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { BlockChecksums } from '../../base/node';

/** Bytes that one checksum covers. */
const BLOCK = 1 << 20;
const READ_BYTES = 4 * BLOCK;

/** Checksums of compiled weights while they are written or read. */
export class WeightChecksums {
  readonly #blocks = new BlockChecksums(BLOCK);

  add(bytes: Uint8Array): void {
    this.#blocks.add(bytes);
  }

  /** sha256 (hex) over the checksums and the table that describes the bytes. */
  digest(table: unknown): string {
    return createHash('sha256').update(JSON.stringify(table)).update(this.#blocks.finish()).digest('hex');
  }
}

/** The digest of a whole file and its table. @throws an error of the file system */
export async function digestOf(path: string, table: unknown): Promise<string> {
  const checksums = new WeightChecksums();
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
