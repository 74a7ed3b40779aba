/**
 * Attention of one new row to cached rows that are kept in bytes. Rows are kept in pages of 256 slots. For one layer
 * and one key head a page holds, one after the other:
 *
 * - keys, packed like an 8-bit matrix with a row for each slot (see packing.ts), with a scale for every 32 dimensions;
 * - values, transposed, because they are summed over slots: for every 16 dimensions and 32 slots, four slots of each of
 *   the 16 dimensions at a time;
 * - scales of the values, one f32 for each slot.
 *
 * The softmax numerators times the values' scales are rounded to bytes like any row of activations. A page is one task.
 * It leaves, for each query head, its largest score, the sum of its numerators and the values summed by them. Pages
 * meet only in `merge` (flash decoding), so that threads share them.
 */

import {
  call,
  define,
  doWhile,
  f32,
  f32x4,
  i32,
  i32x4,
  v128,
  type Code,
  type Variable,
  type ValueType,
  type WasmFunction,
} from './assembler';
import { BLOCK } from '../quantize';
import { PAGE_SLOTS, PARTIAL, TASK } from './attention-layout';
import { EXP2, powerOfTwo, ROUNDING } from './exponential';
import { ACTIVATION, ACTIVATION_BLOCK_BYTES, ATTENTION, GROUP } from './layout';

const four = [0, 1, 2, 3] as const;
const vectors = (...names: string[]): Record<string, ValueType> =>
  Object.fromEntries(names.map((name) => [name, 'v128' as const]));
/** Numerators below 2^−100 of the largest count as nothing, and would be slow (subnormal) numbers. */
const LEAST = -100;
/** Numerators are rounded to bytes, so five terms are more than enough. */
const SHARE_TERMS = EXP2(5);
type Eight = [Variable, Variable, Variable, Variable, Variable, Variable, Variable, Variable];
const lanes = (v: Variable, combine: (a: Code, b: Code) => Code): Code => {
  const lane = (i: number) => f32x4.extractLane(v.get, i);
  return combine(combine(lane(0), lane(1)), combine(lane(2), lane(3)));
};

/**
 * scores ← 2^(score · scale + bias − most) · scales, for `slots` scores. Leaves `most` and the sum of the numerators in
 * `partial`. Scores and biases count in powers of two: log₂e is in the scale.
 */
export const shares = define(
  'shares',
  { scores: 'i32', bias: 'i32', scales: 'i32', slots: 'i32', scale: 'f32', partial: 'i32' },
  {
    at: 'i32',
    end: 'i32',
    ...vectors(
      'most',
      'sum',
      'value',
      'n',
      'f',
      'factor',
      'least',
      'rounding',
      ...SHARE_TERMS.map((_, i) => `term${i}`),
    ),
  },
  (names) => {
    const v = names as typeof names & Record<string, Variable>;
    const [most, sum, value, n, f, factor, least, rounding] = [
      'most',
      'sum',
      'value',
      'n',
      'f',
      'factor',
      'least',
      'rounding',
    ].map((name) => v[name]) as Eight;
    const terms = SHARE_TERMS.map((_, i) => v[`term${i}`] as Variable);
    const { at: here, end } = v as Record<'at' | 'end', Variable>;
    const at = (base: Variable) => i32.add(base.get, here.get);
    const loop = (body: Code): Code => [
      here.set(i32.const(0)),
      doWhile([body, here.set(i32.add(here.get, i32.const(16)))], i32.ltU(here.get, end.get)),
    ];
    const exponent = f32x4.max(f32x4.sub(v128.load(at(v.scores)), most.get), least.get);
    const power = powerOfTwo(
      exponent,
      n,
      f,
      terms.map((term) => term.get),
      rounding.get,
    );
    return [
      end.set(i32.mul(v.slots.get, i32.const(4))),
      most.set(f32x4.const(-3e38)),
      sum.set(v128.zero),
      factor.set(f32x4.splat(v.scale.get)),
      // Constants are kept in variables: inside the loop they would be built anew each time.
      least.set(f32x4.const(LEAST)),
      rounding.set(f32x4.const(ROUNDING)),
      terms.map((term, i) => term.set(f32x4.const(SHARE_TERMS[i] as number))),
      loop([
        value.set(f32x4.relaxedMadd(v128.load(at(v.scores)), factor.get, v128.load(at(v.bias)))),
        v128.store(at(v.scores), value.get),
        most.set(f32x4.max(most.get, value.get)),
      ]),
      most.set(f32x4.splat(lanes(most, f32.max))),
      loop([
        power.split,
        value.set(power.value),
        sum.set(f32x4.add(sum.get, value.get)),
        v128.store(at(v.scores), f32x4.mul(value.get, v128.load(at(v.scales)))),
      ]),
      f32.store(v.partial.get, f32x4.extractLane(most.get, 0), PARTIAL.most),
      f32.store(v.partial.get, lanes(sum, f32.add), PARTIAL.sum),
    ];
  },
);

/**
 * out[16 g + d] = Σ numerators · values over `blocks` blocks of 32 slots, for `groups` groups of 16 dimensions.
 * Numerators are not negative: their second half is not read.
 */
export const weighedValues = define(
  'weighedValues',
  { shares: 'i32', values: 'i32', out: 'i32', groups: 'i32', blocks: 'i32' },
  { share: 'i32', at: 'i32', left: 'i32', ...vectors('a', ...four.flatMap((i) => [`sum${i}`, `dot${i}`])) },
  (v) => {
    const all = v as Record<string, Variable>;
    const of = (name: string, i: number) => all[`${name}${i}`] as Variable;
    const a = all['a'] as Variable;
    const {
      shares: first,
      values,
      out,
      groups,
      blocks,
      share,
      at,
      left,
    } = v as typeof v & Record<'share' | 'at' | 'left', Variable>;
    const steps = Array.from({ length: BLOCK / 4 }, (_, step): Code => [
      a.set(v128.load32Splat(share.get, step * 4)),
      four.map((i) =>
        of('dot', i).set(i32x4.relaxedDot(v128.load(at.get, step * 64 + i * 16), a.get, of('dot', i).get)),
      ),
    ]);
    return doWhile(
      [
        four.map((i) => of('sum', i).set(v128.zero)),
        share.set(first.get),
        at.set(values.get),
        left.set(blocks.get),
        doWhile(
          [
            four.map((i) => of('dot', i).set(v128.zero)),
            steps,
            a.set(v128.load32Splat(share.get, ACTIVATION.scale)),
            four.map((i) =>
              of('sum', i).set(f32x4.relaxedMadd(f32x4.convertI32x4S(of('dot', i).get), a.get, of('sum', i).get)),
            ),
            share.set(i32.add(share.get, i32.const(ACTIVATION_BLOCK_BYTES))),
            at.set(i32.add(at.get, i32.const(BLOCK * GROUP))),
            left.set(i32.sub(left.get, i32.const(1))),
          ],
          left.get,
        ),
        four.map((i) => v128.store(out.get, of('sum', i).get, i * 16)),
        out.set(i32.add(out.get, i32.const(GROUP * 4))),
        values.set(i32.add(values.get, i32.const(PAGE_SLOTS * GROUP))),
        groups.set(i32.sub(groups.get, i32.const(1))),
      ],
      groups.get,
    );
  },
);

/** Runs one task of a job, for all query heads of its group. */
export const attend = (index: (name: 'product8' | 'round8' | 'shares' | 'weighedValues') => number): WasmFunction =>
  define(
    'attend',
    { job: 'i32', task: 'i32' },
    { page: 'i32', query: 'i32', partial: 'i32', scratch: 'i32', slots: 'i32', left: 'i32' },
    (v) => {
      const job = (name: keyof typeof ATTENTION) => i32.load(v.job.get, ATTENTION[name]);
      const task = (name: keyof typeof TASK) => i32.load(v.task.get, TASK[name]);
      const rounded = i32.add(v.scratch.get, i32.const(PAGE_SLOTS * 4));
      const per = (count: number) => i32.shrU(v.slots.get, i32.const(Math.log2(count)));
      return [
        v.page.set(i32.add(task('page'), job('layer'))),
        v.query.set(task('query')),
        v.partial.set(task('partial')),
        v.scratch.set(task('scratch')),
        v.slots.set(task('slots')),
        v.left.set(job('perHead')),
        doWhile(
          [
            call(index('product8'), [v.query.get, v.page.get, v.scratch.get, per(GROUP), job('blocks')]),
            call(index('shares'), [
              v.scratch.get,
              task('bias'),
              i32.add(v.page.get, job('scales')),
              v.slots.get,
              f32.load(v.job.get, ATTENTION.factor),
              v.partial.get,
            ]),
            call(index('round8'), [v.scratch.get, rounded, per(BLOCK)]),
            call(index('weighedValues'), [
              rounded,
              i32.add(v.page.get, job('values')),
              i32.add(v.partial.get, i32.const(PARTIAL.values)),
              job('dimensions'),
              per(BLOCK),
            ]),
            v.query.set(i32.add(v.query.get, i32.mul(job('blocks'), i32.const(ACTIVATION_BLOCK_BYTES)))),
            v.partial.set(i32.add(v.partial.get, job('stride'))),
            v.left.set(i32.sub(v.left.get, i32.const(1))),
          ],
          v.left.get,
        ),
      ];
    },
  );

/**
 * out ← Σ 2^(most − the largest) · values / Σ 2^(most − the largest) · sum, over `count` partials of `bytes` bytes
 * each, of one query head.
 */
export const merge = define(
  'merge',
  { partials: 'i32', bytes: 'i32', count: 'i32', out: 'i32', fours: 'i32' },
  { at: 'i32', left: 'i32', d: 'i32', end: 'i32', largest: 'f32', total: 'v128', weight: 'v128', n: 'v128', f: 'v128' },
  (v) => {
    const forward = [v.at.set(i32.add(v.at.get, v.bytes.get)), v.left.set(i32.sub(v.left.get, i32.const(1)))];
    const each = (body: Code): Code => [
      v.at.set(v.partials.get),
      v.left.set(v.count.get),
      doWhile([body, forward], v.left.get),
    ];
    const dimensions = (body: Code): Code => [
      v.d.set(i32.const(0)),
      doWhile([body, v.d.set(i32.add(v.d.get, i32.const(16)))], i32.ltU(v.d.get, v.end.get)),
    ];
    const own = i32.add(v.out.get, v.d.get);
    const below = f32x4.splat(f32.sub(f32.load(v.at.get, PARTIAL.most), v.largest.get));
    const power = powerOfTwo(f32x4.max(below, f32x4.const(LEAST)), v.n, v.f);
    return [
      v.end.set(i32.mul(v.fours.get, i32.const(16))),
      v.largest.set(f32.const(-3e38)),
      v.total.set(v128.zero),
      dimensions(v128.store(own, v128.zero)),
      each(v.largest.set(f32.max(v.largest.get, f32.load(v.at.get, PARTIAL.most)))),
      each([
        power.split,
        v.weight.set(power.value),
        v.total.set(f32x4.add(v.total.get, f32x4.mul(v.weight.get, v128.load32Splat(v.at.get, PARTIAL.sum)))),
        dimensions(
          v128.store(
            own,
            f32x4.relaxedMadd(v.weight.get, v128.load(i32.add(v.at.get, v.d.get), PARTIAL.values), v128.load(own)),
          ),
        ),
      ]),
      dimensions(v128.store(own, f32x4.div(v128.load(own), v.total.get))),
    ];
  },
);
