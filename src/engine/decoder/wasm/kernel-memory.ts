import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { BLOCK } from '../quantize';
import { kernelModule, type Kernels } from './kernels';
import { CONTROL, GROUP, JOB } from './layout';

const PAGE = 65536;
const MOST_PAGES = 65536;
const LINE = 64;
/** Chunks of a product for each thread. When the system holds one thread up, the others take the rest. */
const CHUNKS = 4;

/** Code of a helping thread, as text, so that no bundle needs a file for it. */
const HELPER = `const { workerData } = require('node:worker_threads');
new WebAssembly.Instance(workerData.module, { env: { memory: workerData.memory } }).exports.serve();`;

let compiled: WebAssembly.Module | undefined | null;

/**
 * Whether this machine's WebAssembly has the instructions that the kernels need and computes them correctly. Relaxed
 * vectors came with V8 11.4, behind a flag in Node 20.
 */
export function kernelsAvailable(): boolean {
  if (compiled !== undefined) return compiled !== null;
  const bytes = kernelModule(MOST_PAGES);
  // Node 20: the baseline compiler takes the wrong operand of the relaxed product for the unsigned one. The optimizing
  // compiler does not.
  if (!WebAssembly.validate(bytes)) setFlagsFromString('--experimental-wasm-relaxed-simd --no-liftoff');
  compiled = WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : null;
  if (compiled && !agrees(compiled)) compiled = null;
  return compiled !== null;
}

/** Whether the 8-bit product of rising activations with falling weights, with negative ones on both sides, is right. */
function agrees(module: WebAssembly.Module): boolean {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: MOST_PAGES, shared: true });
  const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
  const [x, rounded, weights, out] = [0, 512, 1024, 2048] as const;
  new Float32Array(memory.buffer, x, BLOCK).forEach((_, i, all) => (all[i] = i === 0 ? -127 : 4 * i - 60));
  new Int8Array(memory.buffer, weights, GROUP * BLOCK).forEach((_, i, all) => (all[i] = 127 - (i % 255)));
  new Float32Array(memory.buffer, weights + GROUP * BLOCK, GROUP).fill(1);
  kernels.round8(x, rounded, 1);
  kernels.product8(rounded, weights, out, 1, 1);
  const levels = new Int8Array(memory.buffer, weights, GROUP * BLOCK);
  const activations = new Float32Array(memory.buffer, x, BLOCK);
  return new Float32Array(memory.buffer, out, GROUP).every((sum, row) => {
    const expected = activations.reduce(
      (total, value, column) =>
        total + value * (levels[Math.floor(column / 4) * 4 * GROUP + row * 4 + (column % 4)] as number),
      0,
    );
    return Math.abs(sum - expected) <= 1e-3 * Math.abs(expected) + 0.5;
  });
}

/** Tickets between one run of a job and the next: more than threads can draw in vain. */
const TICKETS = 1 << 16;

/** The kernels, their memory and the helping threads. Memory is never freed in parts, only as a whole. */
export class KernelMemory {
  readonly kernels: Kernels;
  readonly #memory: WebAssembly.Memory;
  readonly #control: Int32Array;
  readonly #workers: Worker[] = [];
  readonly #threads: number;
  #end: number;
  #jobs = 0;
  readonly #mostJobs: number;

  /** @throws RangeError when the system has no piece of memory this large */
  constructor(bytes: number, jobs: number, threads: number) {
    if (!kernelsAvailable() || !compiled) throw new Error('the kernels need relaxed vectors');
    const pages = KernelMemory.pages(bytes, jobs);
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: MOST_PAGES, shared: true });
    this.#control = new Int32Array(this.#memory.buffer);
    this.#threads = threads;
    this.#mostJobs = jobs;
    this.#end = CONTROL.bytes + jobs * JOB.bytes;
    this.kernels = new WebAssembly.Instance(compiled, { env: { memory: this.#memory } }).exports as unknown as Kernels;
    for (let i = 1; i < threads; i++) {
      const worker = new Worker(HELPER, { eval: true, workerData: { module: compiled, memory: this.#memory } });
      worker.unref();
      this.#workers.push(worker);
    }
  }

  /** Whether this many bytes fit the 4 GiB of an address. */
  static fits(bytes: number, jobs: number): boolean {
    return KernelMemory.pages(bytes, jobs) <= MOST_PAGES;
  }

  private static pages(bytes: number, jobs: number): number {
    return Math.ceil((CONTROL.bytes + jobs * JOB.bytes + bytes) / PAGE);
  }

  /**
   * Allocates zeroed bytes on a cache line and returns their address. The memory grows if it must. @throws RangeError
   * when the system gives no more, or an address cannot reach it
   */
  allocate(bytes: number): number {
    const at = this.#end;
    const end = at + Math.ceil(bytes / LINE) * LINE;
    const missing = end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));
    this.#end = end;
    return at;
  }

  floats(at: number, length: number): Float32Array {
    return new Float32Array(this.#memory.buffer, at, length);
  }

  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, at, length);
  }

  words(at: number, length: number): Int32Array {
    return new Int32Array(this.#memory.buffer, at, length);
  }

  /**
   * Records a job and returns its address. @param fields values at the offsets that its kind has besides those of every
   * job
   */
  job(kind: 0 | 4 | 8, pieces: number, fields: readonly (readonly [offset: number, value: number])[]): number {
    if (this.#jobs === this.#mostJobs) throw new RangeError('more jobs than were announced');
    const at = CONTROL.bytes + this.#jobs++ * JOB.bytes;
    const chunk = kind === 0 ? 1 : Math.max(1, Math.ceil(pieces / (this.#threads === 1 ? 1 : this.#threads * CHUNKS)));
    for (const [offset, value] of [[JOB.kind, kind], [JOB.pieces, pieces], [JOB.chunk, chunk], ...fields] as const)
      this.#control[(at + offset) >> 2] = value;
    return at;
  }

  /** Changes a field of a job, while it does not run. */
  setField(job: number, offset: number, value: number): void {
    this.#control[(job + offset) >> 2] = value;
  }

  /** Runs a job with all threads. */
  run(job: number): void {
    const control = this.#control;
    const base = (Atomics.load(control, (job + JOB.next) >> 2) + TICKETS) | 0;
    control[(job + JOB.base) >> 2] = base;
    Atomics.store(control, (job + JOB.done) >> 2, 0);
    // From here on threads work on the job, so that all fields must be final.
    Atomics.store(control, (job + JOB.next) >> 2, base);
    if (this.#threads > 1) {
      Atomics.store(control, CONTROL.job >> 2, job);
      Atomics.add(control, CONTROL.epoch >> 2, 1);
      if (Atomics.load(control, CONTROL.sleepers >> 2) > 0) Atomics.notify(control, CONTROL.epoch >> 2);
    }
    this.kernels.work(job);
    if (this.#threads > 1) this.kernels.join(job);
  }

  async close(): Promise<void> {
    Atomics.store(this.#control, CONTROL.closed >> 2, 1);
    Atomics.add(this.#control, CONTROL.epoch >> 2, 1);
    Atomics.notify(this.#control, CONTROL.epoch >> 2);
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
