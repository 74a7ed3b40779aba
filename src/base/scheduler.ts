/** Classes of work, most urgent first: an answer the user waits for, a hover, indexing. */
export type WorkClass = 'answer' | 'hover' | 'indexing';

const ORDER: readonly WorkClass[] = ['answer', 'hover', 'indexing'];

interface Job {
  start: () => void;
  cancelled: () => boolean;
}

/**
 * Runs one job at a time, for a resource that cannot be shared (an ONNX Runtime run cannot be interrupted). The most
 * urgent class goes first, and within a class the earliest job. A job that is cancelled while it waits never starts.
 */
export class ExclusiveQueue {
  private readonly waiting: Record<WorkClass, Job[]> = { answer: [], hover: [], indexing: [] };
  private busy = false;

  async run<T>(kind: WorkClass, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.turn(kind, signal);
    try {
      return await work();
    } finally {
      this.busy = false;
      this.next();
    }
  }

  private turn(kind: WorkClass, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = () => reject(signal?.reason ?? new DOMException('Cancelled.', 'AbortError'));
      if (signal?.aborted) return cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      const start = () => {
        signal?.removeEventListener('abort', cancel);
        resolve();
      };
      this.waiting[kind].push({ start, cancelled: () => signal?.aborted ?? false });
      this.next();
    });
  }

  private next(): void {
    while (!this.busy) {
      const job = ORDER.map((kind) => this.waiting[kind])
        .find((queue) => queue.length > 0)
        ?.shift();
      if (!job) return;
      if (job.cancelled()) continue;
      this.busy = true;
      job.start();
    }
  }
}

/**
 * Counts running requests, so that indexing can yield to them. `clear` resolves when none is running, or after a time
 * limit: a stream of hovers or a long answer must not starve indexing.
 */
export class Foreground {
  private active = 0;
  private waiting: (() => void)[] = [];

  constructor(private readonly patience = 250) {}

  async during<T>(work: () => Promise<T>): Promise<T> {
    this.active += 1;
    try {
      return await work();
    } finally {
      this.active -= 1;
      if (this.active === 0) for (const wake of this.waiting.splice(0)) wake();
    }
  }

  /** Resolves when no request is running, without a time limit. */
  async quiet(): Promise<void> {
    while (this.busy) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  get busy(): boolean {
    return this.active > 0;
  }

  clear(): Promise<void> {
    if (!this.busy) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.patience);
      this.waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
