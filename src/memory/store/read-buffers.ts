/**
 * A pool of read buffers. Each read borrows one and returns it, so the pool grows to the largest number of reads at
 * once.
 */
export class ReadBuffers {
  /** Number of buffers allocated. */
  made = 0;
  private readonly free: Uint8Array[] = [];

  /** Lends a buffer of `bytes` bytes until the promise of `use` settles. The buffer has arbitrary content at first. */
  async lend<T>(bytes: number, use: (buffer: Uint8Array) => Promise<T>): Promise<T> {
    let buffer = this.free.pop();
    if (!buffer || buffer.byteLength < bytes) {
      // Some spare room, so that a slightly larger read needs no new buffer.
      buffer = new Uint8Array(Math.ceil(1.5 * bytes));
      this.made += 1;
    }
    try {
      return await use(buffer.subarray(0, bytes));
    } finally {
      this.free.push(buffer);
    }
  }
}
