import { crc32 } from 'node:zlib';

/**
 * CRC-32 of each block of a stream of bytes. A CRC notices every flipped bit and every run of up to 32 damaged bits,
 * and costs less than half of SHA-256. It protects against accidental damage, not against an attacker.
 */
export class BlockChecksums {
  readonly #sums: number[] = [];
  #sum = 0;
  /** Bytes of the block that is not full yet. */
  #filled = 0;

  constructor(private readonly blockBytes: number) {}

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + this.blockBytes - this.#filled);
      this.#sum = crc32(part, this.#sum);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.blockBytes) this.#close();
    }
  }

  /** The checksums of all blocks; the last block may be short. */
  finish(): Uint32Array {
    if (this.#filled > 0) this.#close();
    return Uint32Array.from(this.#sums);
  }

  #close(): void {
    this.#sums.push(this.#sum);
    this.#sum = 0;
    this.#filled = 0;
  }
}
