/**
 * A pool of read buffers. Each read borrows one and returns it, so the pool grows to the maximum of simultaneous
 * reads.
 */
export class ReadBuffers {
  /** Number of buffers allocated. */
  made = 0;
  private readonly free: Uint8Array[] = [];

  /** Lends a buffer of `bytes` bytes until the promise of `use` settles. Its initial content is arbitrary. */
  async lend<T>(bytes: number, use: (buffer: Uint8Array) => Promise<T>): Promise<T> {
    let buffer = this.free.pop();
    if (!buffer || buffer.byteLength < bytes) {
      // Spare room lets a slightly larger read reuse the buffer.
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
