/**
 * What one token needs besides attention, as WebAssembly: products with rounded weights, and the vectors between them.
 * A product of one row with a matrix reads each weight once, so its time is that of the memory; the weights are packed
 * (see packing.ts) in the very order in which they are read.
 *
 * Numbers are those of ONNX Runtime's MatMulNBits with accuracy level 4: blocks of 32 activations are rounded to bytes
 * with one scale (their largest magnitude / 127), the products of a block are summed in integers, and both scales are
 * applied to the sum.
 *
 * An activation block is 80 bytes. 4 bits: 32 bytes in the order of NIBBLES; 8 bits: 32 bytes max(q, 0) and 32 bytes
 * max(−q, 0), for the vector product takes seven bits on one side. At 64 the scale (f32), at 68 −8 Σ q (i32), which
 * takes the 8 out of the unsigned 4-bit levels.
 */

import {
  assemble,
  call,
  define,
  doWhile,
  drop,
  f32,
  f32x4,
  i16x8,
  i32,
  i32x4,
  i8x16,
  v128,
  wait32,
  when,
  type Code,
  type Variable,
  type ValueType,
  type WasmFunction,
} from './assembler';
import { BLOCK } from '../quantize';
import { attend, merge, shares, TASK, weighedValues } from './attention-kernels';
import { powerOfTwo, ROUNDING } from './exponential';
import {
  ACTIVATION,
  ACTIVATION_BLOCK_BYTES,
  ATTENTION,
  CONTROL,
  GROUP,
  JOB,
  PRODUCT,
  weightBlockBytes,
} from './layout';

const vectors = (...names: string[]): Record<string, ValueType> =>
  Object.fromEntries(names.map((name) => [name, 'v128' as const]));
const four = [0, 1, 2, 3] as const;

/**
 * Looks that a thread takes at the epoch before it sleeps: some tens of microseconds, about the time between two
 * products of a token.
 */
const SPINS = 30_000;

/** out[16 g + r] = Σ x · weights[16 g + r] for `groups` groups of 16 rows. */
function product(bits: 4 | 8): WasmFunction {
  const levels = (GROUP * BLOCK * bits) / 8;
  const parameters = { x: 'i32', weights: 'i32', out: 'i32', groups: 'i32', blocks: 'i32' } as const;
  const locals = {
    block: 'i32',
    left: 'i32',
    ...vectors('a', 'b', 'w', ...four.flatMap((i) => [`sum${i}`, `plus${i}`, `minus${i}`])),
  } as const;
  return define(`product${bits}`, parameters, locals, (v) => {
    const of = (name: string, i: number) => (v as Record<string, Variable>)[`${name}${i}`] as Variable;
    const a = (v as Record<string, Variable>)['a'] as Variable;
    const b = (v as Record<string, Variable>)['b'] as Variable;
    const w = (v as Record<string, Variable>)['w'] as Variable;
    const { x, weights, out, groups, blocks, block, left } = v;
    const steps: Code[] = [];
    const columns = bits === 8 ? 4 : 8;
    for (let step = 0; step < BLOCK / columns; step++) {
      const second = bits === 8 ? BLOCK + step * 4 : step * 8 + 4;
      steps.push(
        a.set(v128.load32Splat(block.get, bits === 8 ? step * 4 : step * 8)),
        b.set(v128.load32Splat(block.get, second)),
      );
      for (const i of four) {
        steps.push(w.set(v128.load(weights.get, step * 64 + i * 16)));
        if (bits === 8) {
          steps.push(
            of('plus', i).set(i32x4.relaxedDot(w.get, a.get, of('plus', i).get)),
            of('minus', i).set(i32x4.relaxedDot(w.get, b.get, of('minus', i).get)),
          );
        } else {
          const low = v128.and(w.get, i8x16.const(15));
          const high = v128.and(i16x8.shrU(w.get, i32.const(4)), i8x16.const(15));
          steps.push(of('plus', i).set(i32x4.relaxedDot(a.get, low, i32x4.relaxedDot(b.get, high, of('plus', i).get))));
        }
      }
    }
    const whole = (i: number) => (bits === 8 ? i32x4.sub(of('plus', i).get, of('minus', i).get) : of('plus', i).get);
    return doWhile(
      [
        four.map((i) => of('sum', i).set(v128.zero)),
        block.set(x.get),
        left.set(blocks.get),
        doWhile(
          [
            four.map((i) => [
              of('plus', i).set(bits === 8 ? v128.zero : v128.load32Splat(block.get, ACTIVATION.correction)),
              bits === 8 ? of('minus', i).set(v128.zero) : [],
            ]),
            steps,
            a.set(v128.load32Splat(block.get, ACTIVATION.scale)),
            four.map((i) =>
              of('sum', i).set(
                f32x4.relaxedMadd(
                  f32x4.convertI32x4S(whole(i)),
                  f32x4.mul(a.get, v128.load(weights.get, levels + i * 16)),
                  of('sum', i).get,
                ),
              ),
            ),
            block.set(i32.add(block.get, i32.const(ACTIVATION_BLOCK_BYTES))),
            weights.set(i32.add(weights.get, i32.const(levels + GROUP * 4))),
            left.set(i32.sub(left.get, i32.const(1))),
          ],
          left.get,
        ),
        four.map((i) => v128.store(out.get, of('sum', i).get, i * 16)),
        out.set(i32.add(out.get, i32.const(GROUP * 4))),
        groups.set(i32.sub(groups.get, i32.const(1))),
      ],
      groups.get,
    );
  });
}

/**
 * The order of eight columns in a step of the 4-bit product: even ones in the low nibbles, odd ones in the high ones.
 */
const NIBBLES = [0, 2, 4, 6, 1, 3, 5, 7];

/** Rounds `blocks` blocks of 32 f32 at `x` into activation blocks at `out`. */
function round(bits: 4 | 8): WasmFunction {
  const parts = Array.from({ length: 8 }, (_, i) => `x${i}`);
  const locals = { ...vectors(...parts, 'most', 'low', 'high', 'scaled', 'rounding'), largest: 'f32' } as const;
  return define(`round${bits}`, { x: 'i32', out: 'i32', blocks: 'i32' } as const, locals, (v) => {
    const all = v as Record<string, Variable>;
    const part = (i: number) => all[`x${i}`] as Variable;
    const [most, low, high, scaled, rounding] = ['most', 'low', 'high', 'scaled', 'rounding'].map(
      (name) => all[name],
    ) as [Variable, Variable, Variable, Variable, Variable];
    const { x, out, blocks, largest } = v as typeof v & Record<'largest', Variable>;
    const level = (i: number) => i32x4.sub(f32x4.add(f32x4.mul(part(i).get, scaled.get), rounding.get), rounding.get);
    const sixteen = (i: number) =>
      i8x16.narrowI16x8S(i16x8.narrowI32x4S(level(i), level(i + 1)), i16x8.narrowI32x4S(level(i + 2), level(i + 3)));
    const pairs = (value: Variable) => i32x4.extaddPairwiseI16x8S(i16x8.extaddPairwiseI8x16S(value.get));
    const order = [...NIBBLES, ...NIBBLES.map((lane) => lane + 8)];
    const store = (value: Variable, at: number): Code =>
      bits === 8
        ? [
            v128.store(out.get, i8x16.maxS(value.get, v128.zero), at),
            v128.store(out.get, i8x16.maxS(i8x16.neg(value.get), v128.zero), BLOCK + at),
          ]
        : v128.store(out.get, i8x16.shuffle(value.get, value.get, order), at);
    return [
      rounding.set(f32x4.const(ROUNDING)),
      doWhile(
        [
          parts.map((_, i) => part(i).set(v128.load(x.get, i * 16))),
          most.set(
            parts
              .slice(1)
              .reduce<Code>((sum, _, i) => f32x4.max(sum, f32x4.abs(part(i + 1).get)), f32x4.abs(part(0).get)),
          ),
          largest.set(
            f32.max(
              f32.max(f32x4.extractLane(most.get, 0), f32x4.extractLane(most.get, 1)),
              f32.max(f32x4.extractLane(most.get, 2), f32x4.extractLane(most.get, 3)),
            ),
          ),
          // A block of zeros has levels of zero whatever its scale.
          scaled.set(f32x4.splat(f32.div(f32.const(127), f32.max(largest.get, f32.const(1e-30))))),
          low.set(sixteen(0)),
          high.set(sixteen(4)),
          store(low, 0),
          store(high, 16),
          f32.store(out.get, f32.mul(largest.get, f32.const(1 / 127)), ACTIVATION.scale),
          most.set(i32x4.add(pairs(low), pairs(high))),
          i32.store(
            out.get,
            i32.mul(
              i32.const(-8),
              four
                .slice(1)
                .reduce<Code>(
                  (sum, lane) => i32.add(sum, i32x4.extractLane(most.get, lane)),
                  i32x4.extractLane(most.get, 0),
                ),
            ),
            ACTIVATION.correction,
          ),
          x.set(i32.add(x.get, i32.const(BLOCK * 4))),
          out.set(i32.add(out.get, i32.const(ACTIVATION_BLOCK_BYTES))),
          blocks.set(i32.sub(blocks.get, i32.const(1))),
        ],
        blocks.get,
      ),
    ];
  });
}

/** stream += change; out = stream / √(mean of its squares + epsilon) ⊙ weight, over `fours` vectors of four. */
const addAndNorm = define(
  'addAndNorm',
  { stream: 'i32', change: 'i32', weight: 'i32', out: 'i32', fours: 'i32', epsilon: 'f32' },
  { at: 'i32', end: 'i32', value: 'v128', squares: 'v128' },
  (v) => {
    const at = (base: Variable) => i32.add(base.get, v.at.get);
    const loop = (body: Code): Code => [
      v.at.set(i32.const(0)),
      doWhile([body, v.at.set(i32.add(v.at.get, i32.const(16)))], i32.ltU(v.at.get, v.end.get)),
    ];
    const lane = (i: number) => f32x4.extractLane(v.squares.get, i);
    const mean = f32.div(
      f32.add(f32.add(lane(0), lane(1)), f32.add(lane(2), lane(3))),
      f32.convertI32S(i32.mul(v.fours.get, i32.const(4))),
    );
    return [
      v.end.set(i32.mul(v.fours.get, i32.const(16))),
      v.squares.set(v128.zero),
      loop([
        v.value.set(f32x4.add(v128.load(at(v.stream)), v128.load(at(v.change)))),
        v128.store(at(v.stream), v.value.get),
        v.squares.set(f32x4.add(v.squares.get, f32x4.mul(v.value.get, v.value.get))),
      ]),
      v.squares.set(f32x4.splat(f32.div(f32.const(1), f32.sqrt(f32.add(mean, v.epsilon.get))))),
      loop(
        v128.store(at(v.out), f32x4.mul(f32x4.mul(v128.load(at(v.stream)), v.squares.get), v128.load(at(v.weight)))),
      ),
    ];
  },
);

/** out = gate / (1 + e^−gate) ⊙ up, over `fours` vectors of four. */
const siluTimes = define(
  'siluTimes',
  { gate: 'i32', up: 'i32', out: 'i32', fours: 'i32' },
  { value: 'v128', n: 'v128', f: 'v128' },
  (v) => {
    const exponent = f32x4.min(
      f32x4.max(f32x4.mul(v.value.get, f32x4.const(-Math.LOG2E)), f32x4.const(-126)),
      f32x4.const(126),
    );
    const power = powerOfTwo(exponent, v.n, v.f);
    const forward = (base: Variable) => base.set(i32.add(base.get, i32.const(16)));
    return doWhile(
      [
        // Below −10,000 the result is zero, and stays so under the largest power.
        v.value.set(f32x4.max(v128.load(v.gate.get), f32x4.const(-1e4))),
        power.split,
        v128.store(
          v.out.get,
          f32x4.mul(f32x4.div(v.value.get, f32x4.add(f32x4.const(1), power.value)), v128.load(v.up.get)),
        ),
        forward(v.gate),
        forward(v.up),
        forward(v.out),
        v.fours.set(i32.sub(v.fours.get, i32.const(1))),
      ],
      v.fours.get,
    );
  },
);

/** All functions in the order of the module, but for those that helping threads need only. */
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
] as const;
const index = (name: (typeof ORDER)[number]) => ORDER.indexOf(name);

/**
 * Takes chunks of a job's pieces until none is left. Jobs stand at fixed addresses and are run again and again; each
 * run has tickets of its own, so that a thread that comes late with a ticket of a run before finds nothing to do.
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
 * The life of a helping thread: waits for the epoch to change, which it does with each job, and helps with the job that
 * is due, until all is closed.
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
};

/** The functions as JavaScript sees them; all arguments but `epsilon` are addresses and counts. */
export interface Kernels {
  product4(x: number, weights: number, out: number, groups: number, blocks: number): void;
  product8(x: number, weights: number, out: number, groups: number, blocks: number): void;
  round4(x: number, out: number, blocks: number): void;
  round8(x: number, out: number, blocks: number): void;
  addAndNorm(stream: number, change: number, weight: number, out: number, fours: number, epsilon: number): void;
  siluTimes(gate: number, up: number, out: number, fours: number): void;
  merge(partials: number, bytes: number, count: number, out: number, fours: number): void;
  work(job: number): void;
  join(job: number): void;
  serve(): void;
}

export function kernelModule(pages: number): Uint8Array<ArrayBuffer> {
  return assemble([...ORDER.map((name) => FUNCTIONS[name]), serve], pages);
}
