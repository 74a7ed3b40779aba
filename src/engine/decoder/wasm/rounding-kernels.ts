/**
 * Rounding of weights as WebAssembly: what quantize.ts does for whole blocks of 32 columns, several times faster. A
 * value that is NaN or infinite makes the scale of its block NaN, so that scales alone show whether weights are sound.
 */

import { assemble, define, doWhile, f32, f32x4, i16x8, i32, i32x4, i8x16, v128, when } from './assembler';
import type { Code, Variable, ValueType } from './assembler';
import { BLOCK, CLIPS, ZERO_MASK, ZERO_STEPS } from '../quantize';

const vectors = (...names: string[]): Record<string, ValueType> =>
  Object.fromEntries(names.map((name) => [name, 'v128' as const]));
const eight = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const sixteen = Array.from({ length: 16 }, (_, i) => i);
const named = (v: object, name: string) => (v as Record<string, Variable>)[name] as Variable;

/** Smallest or largest of the four lanes. */
const across = (value: Variable): Code =>
  f32.max(
    f32.max(f32x4.extractLane(value.get, 0), f32x4.extractLane(value.get, 1)),
    f32.max(f32x4.extractLane(value.get, 2), f32x4.extractLane(value.get, 3)),
  );
/** Sum of the four lanes. */
const added = (value: Variable): Code =>
  f32.add(
    f32.add(f32x4.extractLane(value.get, 0), f32x4.extractLane(value.get, 1)),
    f32.add(f32x4.extractLane(value.get, 2), f32x4.extractLane(value.get, 3)),
  );
const forward = (pointer: Variable, bytes: number): Code => pointer.set(i32.add(pointer.get, i32.const(bytes)));
const countDown = (count: Variable): Code => count.set(i32.sub(count.get, i32.const(1)));
/** Four rounded levels as whole numbers. */
const whole = (value: Code): Code => i32x4.truncSatF32x4S(f32x4.nearest(value));

const v = 'v128' as const;
const f = 'f32' as const;

/** Blocks of 32 f32 at `weights` to levels of 4 bits with words of scale and zero (quantize4). */
const blocks4 = define(
  'blocks4',
  { weights: 'i32', levels: 'i32', scales: 'i32', blocks: 'i32' } as const,
  {
    ...({ x0: v, x1: v, x2: v, x3: v, x4: v, x5: v, x6: v, x7: v } as const),
    ...({ most: v, least: v, factor: v, offset: v, level: v, products: v, squares: v, sums: v } as const),
    ...({ low: v, high: v, word: 'i32', range: f, first: f, gain: f, best: f, scale: f, kept: f } as const),
    ...({ zero: f, total: f, product: f, square: f, sum: f, slope: f, spread: f } as const),
  },
  ({ weights, levels, scales, blocks, ...own }) => {
    const { most, least, factor, offset, level, products, squares, sums, low, high, word } = own;
    const { range, first, gain, best, scale, kept, zero, total, product, square, sum, slope, spread } = own;
    const x = (i: number) => named(own, `x${i}`);
    const count = f32.const(BLOCK);
    const levelOf = (i: number) =>
      f32x4.pmin(
        f32x4.pmax(f32x4.nearest(f32x4.add(f32x4.mul(x(i).get, factor.get), offset.get)), v128.zero),
        f32x4.const(15),
      );
    const tryClip = (clip: number): Code => [
      factor.set(f32x4.splat(f32.div(f32.const(15), f32.mul(range.get, f32.const(clip))))),
      offset.set(f32x4.splat(first.get)),
      [products, squares, sums].map((each) => each.set(v128.zero)),
      eight.map((i) => [
        level.set(levelOf(i)),
        products.set(f32x4.add(products.get, f32x4.mul(x(i).get, level.get))),
        squares.set(f32x4.add(squares.get, f32x4.mul(level.get, level.get))),
        sums.set(f32x4.add(sums.get, level.get)),
      ]),
      product.set(added(products)),
      square.set(added(squares)),
      sum.set(added(sums)),
      spread.set(f32.sub(f32.mul(count, square.get), f32.mul(sum.get, sum.get))),
      zero.set(first.get),
      when(f32.gt(spread.get, f32.const(0)), [
        slope.set(f32.div(f32.sub(f32.mul(count, product.get), f32.mul(sum.get, total.get)), spread.get)),
        zero.set(f32.div(f32.sub(sum.get, f32.div(total.get, slope.get)), count)),
      ]),
      zero.set(f32.min(f32.max(zero.get, f32.const(0)), f32.const(ZERO_MASK / ZERO_STEPS))),
      product.set(f32.sub(product.get, f32.mul(zero.get, total.get))),
      square.set(
        f32.add(square.get, f32.mul(zero.get, f32.sub(f32.mul(count, zero.get), f32.mul(f32.const(2), sum.get)))),
      ),
      gain.set(f32.div(f32.mul(product.get, product.get), square.get)),
      when(f32.gt(gain.get, best.get), [
        best.set(gain.get),
        scale.set(f32.div(product.get, square.get)),
        kept.set(zero.get),
      ]),
    ];
    const bytes = (a: number, b: number) =>
      i8x16.narrowI16x8U(i16x8.narrowI32x4S(lane(a), lane(a + 1)), i16x8.narrowI32x4S(lane(b), lane(b + 1)));
    const lane = (i: number) => i32x4.truncSatF32x4S(levelOf(i));
    // A pair of bytes, seen as 16 bits: the even column goes to the low nibble, the odd one to the high one.
    const nibbles = (value: Variable) =>
      v128.or(
        v128.and(value.get, i32x4.const(0x000f000f)),
        v128.and(i16x8.shrU(value.get, i32.const(4)), i32x4.const(0x00f000f0)),
      );
    return doWhile(
      [
        eight.map((i) => x(i).set(v128.load(weights.get, i * 16))),
        most.set(eight.slice(1).reduce<Code>((a, i) => f32x4.max(a, x(i).get), x(0).get)),
        least.set(eight.slice(1).reduce<Code>((a, i) => f32x4.min(a, x(i).get), x(0).get)),
        least.set(f32x4.neg(least.get)),
        products.set(eight.slice(1).reduce<Code>((a, i) => f32x4.add(a, x(i).get), x(0).get)),
        total.set(added(products)),
        range.set(f32.max(across(least), f32.const(0))),
        first.set(range.get),
        range.set(f32.max(f32.add(range.get, f32.max(across(most), f32.const(0))), f32.const(1e-38))),
        first.set(f32.div(f32.mul(f32.const(15), first.get), range.get)),
        [best, scale, kept].map((value) => value.set(f32.const(0))),
        CLIPS.map(tryClip),
        // The word of scale and zero, as packScale makes it. The levels are those at its scale and zero.
        word.set(
          i32.and(i32.add(i32.reinterpretF32(scale.get), i32.const((ZERO_MASK + 1) / 2)), i32.const(~ZERO_MASK)),
        ),
        factor.set(f32x4.splat(f32.div(f32.const(1), f32.reinterpretI32(word.get)))),
        kept.set(f32.nearest(f32.mul(kept.get, f32.const(ZERO_STEPS)))),
        word.set(i32.or(word.get, i32.truncSatF32U(kept.get))),
        offset.set(f32x4.splat(f32.mul(kept.get, f32.const(1 / ZERO_STEPS)))),
        low.set(bytes(0, 2)),
        high.set(bytes(4, 6)),
        v128.store(levels.get, i8x16.narrowI16x8U(nibbles(low), nibbles(high))),
        // Zero times the extreme is NaN exactly if a value is not finite.
        f32.store(scales.get, f32.add(f32.reinterpretI32(word.get), f32.mul(across(most), f32.const(0)))),
        f32.store(scales.get, f32.add(f32.load(scales.get), f32.mul(across(least), f32.const(0)))),
        forward(weights, BLOCK * 4),
        forward(levels, BLOCK / 2),
        forward(scales, 4),
        countDown(blocks),
      ],
      blocks.get,
    );
  },
);

/** Sixteen values at `from` as bytes 128 + value · factor. */
const sixteenBytes = (from: Code, offset: number, factor: Code): Code => {
  const four = (i: number) => whole(f32x4.mul(v128.load(from, offset + i * 16), factor));
  return v128.xor(
    i8x16.narrowI16x8S(i16x8.narrowI32x4S(four(0), four(1)), i16x8.narrowI32x4S(four(2), four(3))),
    i8x16.const(0x80),
  );
};

/** Blocks of 32 f32 at `weights` to levels of 8 bits (quantize8). */
const blocks8 = define(
  'blocks8',
  { weights: 'i32', levels: 'i32', scales: 'i32', blocks: 'i32' },
  { most: 'v128', factor: 'v128', scale: 'f32' },
  (v) =>
    doWhile(
      [
        v.most.set(
          eight
            .slice(1)
            .reduce<Code>(
              (a, i) => f32x4.max(a, f32x4.abs(v128.load(v.weights.get, i * 16))),
              f32x4.abs(v128.load(v.weights.get)),
            ),
        ),
        v.scale.set(f32.div(across(v.most), f32.const(127))),
        // A block of zeros has levels of zero at any scale.
        v.factor.set(f32x4.splat(f32.div(f32.const(1), f32.max(v.scale.get, f32.const(1e-38))))),
        v128.store(v.levels.get, sixteenBytes(v.weights.get, 0, v.factor.get)),
        v128.store(v.levels.get, sixteenBytes(v.weights.get, 64, v.factor.get), 16),
        f32.store(v.scales.get, f32.add(v.scale.get, f32.mul(v.scale.get, f32.const(0)))),
        forward(v.weights, BLOCK * 4),
        forward(v.levels, BLOCK),
        forward(v.scales, 4),
        countDown(v.blocks),
      ],
      v.blocks.get,
    ),
);

/** Rows of 16 · `sixteens` values to bytes with one scale a row (quantizeOutputs before its transposition). */
const rows8 = define(
  'rows8',
  { weights: 'i32', levels: 'i32', scales: 'i32', rows: 'i32', sixteens: 'i32' },
  { most: 'v128', factor: 'v128', scale: 'f32', at: 'i32', left: 'i32' },
  (v) =>
    doWhile(
      [
        v.most.set(v128.zero),
        v.at.set(v.weights.get),
        v.left.set(v.sixteens.get),
        doWhile(
          [
            [0, 16, 32, 48].map((offset) => v.most.set(f32x4.max(v.most.get, f32x4.abs(v128.load(v.at.get, offset))))),
            forward(v.at, 64),
            countDown(v.left),
          ],
          v.left.get,
        ),
        v.scale.set(f32.div(across(v.most), f32.const(127))),
        v.factor.set(f32x4.splat(f32.div(f32.const(1), f32.max(v.scale.get, f32.const(1e-38))))),
        f32.store(v.scales.get, f32.add(v.scale.get, f32.mul(v.scale.get, f32.const(0)))),
        v.left.set(v.sixteens.get),
        doWhile(
          [
            v128.store(v.levels.get, sixteenBytes(v.weights.get, 0, v.factor.get)),
            forward(v.weights, 64),
            forward(v.levels, 16),
            countDown(v.left),
          ],
          v.left.get,
        ),
        forward(v.scales, 4),
        countDown(v.rows),
      ],
      v.rows.get,
    ),
);

const interleaved = (from: number): number[] => sixteen.map((i) => from + (i >> 1) + (i & 1) * 16);

/**
 * Transposes `tiles` times 16 rows of 16 · `sixteens` bytes: rows at `from`, one behind the other, to rows at `to`,
 * `outputs` bytes apart. Interleaving the halves of 16 vectors four times is a transposition.
 */
const transpose16 = define(
  'transpose16',
  { from: 'i32', to: 'i32', outputs: 'i32', sixteens: 'i32', tiles: 'i32' },
  {
    ...vectors(...sixteen.flatMap((i) => [`a${i}`, `b${i}`])),
    ...{ at: 'i32', out: 'i32', stride: 'i32', left: 'i32' },
  } as Record<string, ValueType>,
  (v) => {
    const stage = (a: string, b: string): Code =>
      eight.map((i) => [
        named(v, `${b}${2 * i}`).set(
          i8x16.shuffle(named(v, `${a}${i}`).get, named(v, `${a}${i + 8}`).get, interleaved(0)),
        ),
        named(v, `${b}${2 * i + 1}`).set(
          i8x16.shuffle(named(v, `${a}${i}`).get, named(v, `${a}${i + 8}`).get, interleaved(8)),
        ),
      ]);
    const [at, from, to, out] = [named(v, 'at'), named(v, 'from'), named(v, 'to'), named(v, 'out')];
    const [stride, left, tiles] = [named(v, 'stride'), named(v, 'left'), named(v, 'tiles')];
    const step = (pointer: Variable, by: Variable) => pointer.set(i32.add(pointer.get, by.get));
    const tile: Code = [
      at.set(from.get),
      sixteen.map((i) => [named(v, `a${i}`).set(v128.load(at.get)), step(at, stride)]),
      stage('a', 'b'),
      stage('b', 'a'),
      stage('a', 'b'),
      stage('b', 'a'),
      sixteen.map((i) => [v128.store(out.get, named(v, `a${i}`).get), step(out, named(v, 'outputs'))]),
      forward(from, 16),
      countDown(left),
    ];
    return [
      stride.set(i32.mul(named(v, 'sixteens').get, i32.const(16))),
      doWhile(
        [
          out.set(to.get),
          left.set(named(v, 'sixteens').get),
          doWhile(tile, left.get),
          from.set(i32.add(from.get, i32.mul(stride.get, i32.const(15)))),
          forward(to, 16),
          countDown(tiles),
        ],
        tiles.get,
      ),
    ];
  },
);

/** The functions as JavaScript sees them. All arguments are addresses and counts above 0. */
export interface RoundingKernels {
  blocks4(weights: number, levels: number, scales: number, blocks: number): void;
  blocks8(weights: number, levels: number, scales: number, blocks: number): void;
  rows8(weights: number, levels: number, scales: number, rows: number, sixteens: number): void;
  transpose16(from: number, to: number, outputs: number, sixteens: number, tiles: number): void;
}

export function roundingModule(pages: number): Uint8Array<ArrayBuffer> {
  return assemble([blocks4, blocks8, rows8, transpose16], pages);
}
