import { Worker } from 'node:worker_threads';
import { roundingModule, type RoundingKernels } from './rounding-kernels';

const PAGE = 65536;
const MOST_PAGES = 65536;
/** Largest matrix that is transposed here. A larger one would not leave room for its bands. */
const MOST_TRANSPOSED = 2 ** 31;

/** Code of a thread, as text, so that no bundle needs a file for it. */
const THREAD = `const { workerData, parentPort } = require('node:worker_threads');
const { exports } = new WebAssembly.Instance(workerData.module, { env: { memory: workerData.memory } });
parentPort.on('message', (calls) => {
  for (const [name, ...numbers] of calls) exports[name](...numbers);
  parentPort.postMessage(0);
});`;

/** A call of a kernel with its addresses and counts. */
export type RoundingCall = {
  [K in keyof RoundingKernels]: [K, ...Parameters<RoundingKernels[K]>];
}[keyof RoundingKernels];

interface Thread {
  worker: Worker;
  done: (() => void) | undefined;
  failed: ((error: Error) => void) | undefined;
}

/**
 * Memory of a rounding in progress, with threads that run the kernels in it: some bands of values with their results,
 * and one transposed matrix.
 */
export class RoundingMemory {
  readonly #module: WebAssembly.Module;
  readonly #memory: WebAssembly.Memory;
  readonly #kernels: RoundingKernels;
  readonly #idle: Thread[] = [];
  readonly #threads: Thread[] = [];
  readonly #waiting: ((thread: Thread) => void)[] = [];
  #end = 0;

  /** @param threads 0 runs the kernels in the calling thread, which suits models that are rounded in no time */
  constructor(threads: number) {
    this.#module = new WebAssembly.Module(roundingModule(MOST_PAGES));
    this.#memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
    const { exports } = new WebAssembly.Instance(this.#module, { env: { memory: this.#memory } });
    this.#kernels = exports as unknown as RoundingKernels;
    for (let i = 0; i < threads; i++) this.#threads.push(this.#start());
    this.#idle.push(...this.#threads);
  }

  static canTranspose(bytes: number): boolean {
    return bytes <= MOST_TRANSPOSED;
  }

  /** Allocates bytes at a multiple of 64. They are freed as a whole, with the memory. */
  allocate(bytes: number): number {
    const at = this.#end;
    this.#end = at + Math.ceil(bytes / 64) * 64;
    const missing = this.#end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));
    return at;
  }

  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, at, length);
  }

  floats(at: number, length: number): Float32Array {
    return new Float32Array(this.#memory.buffer, at, length);
  }

  /** Runs calls one after the other in a thread. */
  async run(calls: readonly RoundingCall[]): Promise<void> {
    if (this.#threads.length === 0) {
      const kernels = this.#kernels as unknown as Record<string, (...numbers: number[]) => void>;
      for (const [name, ...numbers] of calls) kernels[name]?.(...numbers);
      return;
    }
    const thread = this.#idle.pop() ?? (await new Promise<Thread>((resolve) => this.#waiting.push(resolve)));
    await new Promise<void>((resolve, reject) => {
      thread.done = resolve;
      thread.failed = reject;
      thread.worker.postMessage(calls);
    });
    const next = this.#waiting.shift();
    if (next) next(thread);
    else this.#idle.push(thread);
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #start(): Thread {
    const worker = new Worker(THREAD, { eval: true, workerData: { module: this.#module, memory: this.#memory } });
    worker.unref();
    const thread: Thread = { worker, done: undefined, failed: undefined };
    worker.on('message', () => thread.done?.());
    worker.on('error', (error) => thread.failed?.(error));
    return thread;
  }
}
