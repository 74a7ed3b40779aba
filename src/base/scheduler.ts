/** Classes of work: an answer the user waits for goes before a hover, a hover before indexing. */
export type WorkClass = 'answer' | 'hover' | 'indexing';

const ORDER: readonly WorkClass[] = ['answer', 'hover', 'indexing'];

interface Job {
  start: () => void;
  cancelled: () => boolean;
}

/**
 * Lets one job at a time use what cannot be shared (a run of ONNX Runtime cannot be interrupted), the most urgent class
 * first and within a class the one that came first. A job that was cancelled while it waited never starts.
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
 * Counts the requests in hand, so that indexing can step aside while somebody waits. `clear` resolves when nobody
 * does, or after a while all the same: indexing must not starve under a stream of hovers, nor while a long answer is
 * written.
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

  /** Resolves when nobody waits, however long that takes. */
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
