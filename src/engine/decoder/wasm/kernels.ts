/**
 * The part of a token outside attention, as WebAssembly: products with rounded weights, and the vector operations
 * between them. A product of one row with a matrix reads each weight once, so that memory bounds its time. Weights are
 * packed (see packing.ts) in the order in which they are read.
 *
 * Blocks of 32 activations are rounded to bytes with one scale (their largest magnitude / 127). The products of a block
 * are summed in integers, and both scales are applied to the sum. With 8 bits, results equal ONNX Runtime's MatMulNBits
 * with accuracy level 4.
 *
 * An activation block has 80 bytes. With 4 bits: 32 bytes in the order of NIBBLES. With 8 bits: 32 bytes max(q, 0) and
 * 32 bytes max(−q, 0), because the vector product takes seven bits on one side. At 64 is the scale (f32). At 68 is Σ q
 * / 512 (f32): times the zero of a 4-bit block, it is what the levels have too much.
 */

import { assemble, call, define, doWhile, drop, i32, wait32, when, type WasmFunction } from './assembler';
import { attend, merge, shares, weighedValues } from './attention-kernels';
import { TASK } from './attention-layout';
import { ATTENTION, CONTROL, GROUP, JOB, PRODUCT, weightBlockBytes } from './layout';
import { pack } from './packing-kernels';
import { product, round } from './product-kernels';
import { addAndNorm, geluTimes, siluTimes } from './vector-kernels';

/**
 * Polls of the epoch before a thread sleeps: some tens of microseconds, about the time between two products of a token.
 */
const SPINS = 30_000;

/** All functions in the order of the module, except those that only helping threads need. */
const ORDER = [
  'product4',
  'product8',
  'round4',
  'round8',
  'addAndNorm',
  'siluTimes',
  'shares',
  'weighedValues',
  'attend',
  'merge',
  'work',
  'join',
  'pack4',
  'pack8',
  'geluTimes',
] as const;
const index = (name: (typeof ORDER)[number]) => ORDER.indexOf(name);

/**
 * Takes chunks of a job's pieces until none is left. Jobs are at fixed addresses and run again and again. Each run has
 * its own tickets, so that a thread that comes late with an old ticket finds nothing to do.
 */
const work = define('work', { job: 'i32' }, { from: 'i32', count: 'i32', pieces: 'i32' }, (v) => {
  const field = (at: number) => i32.load(v.job.get, at);
  const product = (bits: 4 | 8) => {
    const weights = i32.add(
      field(PRODUCT.weights),
      i32.mul(i32.mul(v.from.get, field(PRODUCT.blocks)), i32.const(weightBlockBytes(bits))),
    );
    const out = i32.add(field(PRODUCT.out), i32.mul(v.from.get, i32.const(GROUP * 4)));
    return call(index(`product${bits}`), [field(PRODUCT.x), weights, out, v.count.get, field(PRODUCT.blocks)]);
  };
  const kind = (is: number) => i32.eq(field(JOB.kind), i32.const(is));
  return doWhile(
    [
      v.from.set(i32.atomicAdd(v.job.get, field(JOB.chunk), JOB.next)),
      v.from.set(i32.sub(v.from.get, field(JOB.base))),
      v.pieces.set(field(JOB.pieces)),
      when(i32.ltU(v.from.get, v.pieces.get), [
        v.count.set(field(JOB.chunk)),
        when(i32.ltU(i32.sub(v.pieces.get, v.from.get), v.count.get), v.count.set(i32.sub(v.pieces.get, v.from.get))),
        when(kind(4), product(4)),
        when(kind(8), product(8)),
        when(
          kind(0),
          call(index('attend'), [
            v.job.get,
            i32.add(field(ATTENTION.tasks), i32.mul(v.from.get, i32.const(TASK.bytes))),
          ]),
        ),
        drop(i32.atomicAdd(v.job.get, v.count.get, JOB.done)),
      ]),
    ],
    i32.ltU(v.from.get, v.pieces.get),
  );
});

/** Waits until all pieces of a job are done. */
const join = define('join', { job: 'i32' }, {}, (v) =>
  doWhile([], i32.ltU(i32.atomicLoad(v.job.get, JOB.done), i32.load(v.job.get, JOB.pieces))),
);

/**
 * Main loop of a helping thread: waits for the epoch to change, which it does with each job, and helps with that job,
 * until everything is closed.
 */
const serve = define('serve', {}, { seen: 'i32', spins: 'i32' }, (v) => {
  const epoch = i32.atomicLoad(i32.const(CONTROL.epoch));
  const same = i32.eq(epoch, v.seen.get);
  return doWhile(
    [
      v.spins.set(i32.const(SPINS)),
      doWhile(v.spins.set(i32.sub(v.spins.get, i32.const(1))), i32.and(same, i32.ltU(i32.const(0), v.spins.get))),
      when(same, [
        drop(i32.atomicAdd(i32.const(CONTROL.sleepers), i32.const(1))),
        drop(wait32(i32.const(CONTROL.epoch), v.seen.get)),
        drop(i32.atomicAdd(i32.const(CONTROL.sleepers), i32.const(-1))),
      ]),
      v.seen.set(epoch),
      when(
        i32.eqz(i32.atomicLoad(i32.const(CONTROL.closed))),
        call(index('work'), [i32.atomicLoad(i32.const(CONTROL.job))]),
      ),
    ],
    i32.eqz(i32.atomicLoad(i32.const(CONTROL.closed))),
  );
});

const FUNCTIONS: Record<(typeof ORDER)[number], WasmFunction> = {
  product4: product(4),
  product8: product(8),
  round4: round(4),
  round8: round(8),
  addAndNorm,
  siluTimes,
  shares,
  weighedValues,
  attend: attend(index),
  merge,
  work,
  join,
  pack4: pack(4),
  pack8: pack(8),
  geluTimes,
};

/** The functions as JavaScript sees them. All arguments except `epsilon` are addresses and counts. */
export interface Kernels {
  product4(x: number, weights: number, out: number, groups: number, blocks: number): void;
  product8(x: number, weights: number, out: number, groups: number, blocks: number): void;
  round4(x: number, out: number, blocks: number): void;
  round8(x: number, out: number, blocks: number): void;
  addAndNorm(stream: number, change: number, weight: number, out: number, fours: number, epsilon: number): void;
  siluTimes(gate: number, up: number, out: number, fours: number): void;
  geluTimes(gate: number, up: number, out: number, fours: number): void;
  merge(partials: number, bytes: number, count: number, out: number, fours: number): void;
  pack4: PackRows;
  pack8: PackRows;
  work(job: number): void;
  join(job: number): void;
  serve(): void;
}

type PackRows = (
  levels: number,
  scales: number,
  out: number,
  blocks: number,
  rowBytes: number,
  scaleBytes: number,
) => void;

export function kernelModule(pages: number): Uint8Array<ArrayBuffer> {
  return assemble([...ORDER.map((name) => FUNCTIONS[name]), serve], pages);
}
