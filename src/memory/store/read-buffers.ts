/**
 * Buffers that are used again: one is lent to each read that goes on and comes back after it, so there are as many as
 * there are reads at once.
 */
export class ReadBuffers {
  /** Buffers that were made. */
  made = 0;
  private readonly free: Uint8Array[] = [];

  /** Lends a buffer of so many bytes until what `use` returns is settled. What is in it then is anybody's. */
  async lend<T>(bytes: number, use: (buffer: Uint8Array) => Promise<T>): Promise<T> {
    let buffer = this.free.pop();
    if (!buffer || buffer.byteLength < bytes) {
      // Room to spare: the next one that is a little larger needs no new buffer.
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
