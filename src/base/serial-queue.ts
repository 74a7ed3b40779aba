/** Runs asynchronous work one at a time, in the order of the calls. A failure rejects only its own call. */
export class SerialQueue {
  private last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T> | T): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }

  /** Resolves once all work queued so far has ended. */
  async idle(): Promise<void> {
    await this.last;
  }
}
