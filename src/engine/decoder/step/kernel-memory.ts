import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { BLOCK } from '../quantize';
import { CONTROL, GROUP, JOB, kernelModule, type Kernels } from './kernels';

const PAGE = 65536;
const MOST_PAGES = 65536;
const LINE = 64;
/** Chunks of a product for each thread: one that is held up by the system leaves the rest to the others. */
const CHUNKS = 4;

/** What a helping thread runs. Text, so that no bundle needs a file of its own for it. */
const HELPER = `const { workerData } = require('node:worker_threads');
new WebAssembly.Instance(workerData.module, { env: { memory: workerData.memory } }).exports.serve();`;

/** One product, at fixed addresses. */
export interface Job {
  bits: 4 | 8;
  x: number;
  weights: number;
  out: number;
  groups: number;
  blocks: number;
}

let compiled: WebAssembly.Module | undefined | null;

/** Whether this machine's WebAssembly has what the kernels need (relaxed vectors: V8 from 11.4 on, behind a flag in Node 20), and computes with it what it should. */
export function kernelsAvailable(): boolean {
  if (compiled !== undefined) return compiled !== null;
  const bytes = kernelModule(MOST_PAGES);
  // Node 20: its baseline compiler takes the wrong operand of the relaxed product for the unsigned one, the optimizing one does not.
  if (!WebAssembly.validate(bytes)) setFlagsFromString('--experimental-wasm-relaxed-simd --no-liftoff');
  compiled = WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : null;
  if (compiled && !agrees(compiled)) compiled = null;
  return compiled !== null;
}

/** Whether the 8-bit product of rising activations with falling weights, negative ones on both sides, is right. */
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
    const expected = activations.reduce((total, value, column) => total + value * (levels[Math.floor(column / 4) * 4 * GROUP + row * 4 + (column % 4)] as number), 0);
    return Math.abs(sum - expected) <= 1e-3 * Math.abs(expected) + 0.5;
  });
}

/** The kernels, their memory, and the threads that help with products. Nothing is ever freed singly: it is filled once, and dropped as a whole. */
export class KernelMemory {
  readonly kernels: Kernels;
  readonly #memory: WebAssembly.Memory;
  readonly #control: Int32Array;
  readonly #workers: Worker[] = [];
  readonly #threads: number;
  #end: number;
  #jobs = 0;
  readonly #mostJobs: number;

  /** @throws RangeError when the system has not so much memory in one piece */
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

  /** Whether so much fits the 4 GiB that an address reaches. */
  static fits(bytes: number, jobs: number): boolean {
    return KernelMemory.pages(bytes, jobs) <= MOST_PAGES;
  }

  private static pages(bytes: number, jobs: number): number {
    return Math.ceil((CONTROL.bytes + jobs * JOB.bytes + bytes) / PAGE);
  }

  /** Address of so many zeroed bytes, on a cache line. */
  allocate(bytes: number): number {
    const at = this.#end;
    this.#end += Math.ceil(bytes / LINE) * LINE;
    if (this.#end > this.#memory.buffer.byteLength) throw new RangeError('more is allocated than was reserved');
    return at;
  }

  floats(at: number, length: number): Float32Array {
    return new Float32Array(this.#memory.buffer, at, length);
  }

  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, at, length);
  }

  /** Puts a product on record; returns its address. */
  job({ bits, x, weights, out, groups, blocks }: Job): number {
    if (this.#jobs === this.#mostJobs) throw new RangeError('more products than were announced');
    const at = CONTROL.bytes + this.#jobs++ * JOB.bytes;
    const chunk = Math.max(1, Math.ceil(groups / (this.#threads === 1 ? 1 : this.#threads * CHUNKS)));
    const fields: [number, number][] = [[JOB.bits, bits], [JOB.x, x], [JOB.weights, weights], [JOB.out, out], [JOB.groups, groups], [JOB.blocks, blocks], [JOB.chunk, chunk]];
    for (const [field, value] of fields) this.#control[(at + field) >> 2] = value;
    return at;
  }

  /** Computes a product, with all threads. */
  run(job: number): void {
    const control = this.#control;
    Atomics.store(control, (job + JOB.done) >> 2, 0);
    Atomics.store(control, (job + JOB.next) >> 2, 0);
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
