/** Products of a row with rounded weights, and the rounding of rows that they read. */

import {
  define,
  doWhile,
  f32,
  f32x4,
  i16x8,
  i32,
  i32x4,
  i8x16,
  v128,
  type Code,
  type Variable,
  type ValueType,
  type WasmFunction,
} from './assembler';
import { BLOCK, ZERO_MASK, ZERO_STEPS } from '../quantize';
import { ROUNDING } from './exponential';
import { ACTIVATION, ACTIVATION_BLOCK_BYTES, GROUP } from './layout';

const vectors = (...names: string[]): Record<string, ValueType> =>
  Object.fromEntries(names.map((name) => [name, 'v128' as const]));
const four = [0, 1, 2, 3] as const;

/** out[16 g + r] = Σ x · weights[16 g + r] for `groups` groups of 16 rows. */
export function product(bits: 4 | 8): WasmFunction {
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
    // A word of a 4-bit block (packScale) has the scale above and the zero below.
    const scale = v128.and(w.get, i32x4.const(~ZERO_MASK));
    const zero = f32x4.convertI32x4S(v128.and(w.get, i32x4.const(ZERO_MASK)));
    const whole = (i: number) =>
      bits === 8
        ? f32x4.convertI32x4S(i32x4.sub(of('plus', i).get, of('minus', i).get))
        : f32x4.sub(f32x4.convertI32x4S(of('plus', i).get), f32x4.mul(zero, b.get));
    return doWhile(
      [
        four.map((i) => of('sum', i).set(v128.zero)),
        block.set(x.get),
        left.set(blocks.get),
        doWhile(
          [
            four.map((i) => [of('plus', i).set(v128.zero), bits === 8 ? of('minus', i).set(v128.zero) : []]),
            steps,
            a.set(v128.load32Splat(block.get, ACTIVATION.scale)),
            bits === 8 ? [] : b.set(v128.load32Splat(block.get, ACTIVATION.sum)),
            four.map((i) => [
              w.set(v128.load(weights.get, levels + i * 16)),
              of('sum', i).set(
                f32x4.relaxedMadd(whole(i), f32x4.mul(a.get, bits === 8 ? w.get : scale), of('sum', i).get),
              ),
            ]),
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

/** Order of eight columns in a step of the 4-bit product: even ones in the low nibbles, odd ones in the high ones. */
const NIBBLES = [0, 2, 4, 6, 1, 3, 5, 7];

/** Rounds `blocks` blocks of 32 f32 at `x` into activation blocks at `out`. */
export function round(bits: 4 | 8): WasmFunction {
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
          // A block of zeros has levels of zero at any scale.
          scaled.set(f32x4.splat(f32.div(f32.const(127), f32.max(largest.get, f32.const(1e-30))))),
          low.set(sixteen(0)),
          high.set(sixteen(4)),
          store(low, 0),
          store(high, 16),
          f32.store(out.get, f32.mul(largest.get, f32.const(1 / 127)), ACTIVATION.scale),
          most.set(i32x4.add(pairs(low), pairs(high))),
          f32.store(
            out.get,
            f32.mul(
              f32.convertI32S(
                four
                  .slice(1)
                  .reduce<Code>(
                    (sum, lane) => i32.add(sum, i32x4.extractLane(most.get, lane)),
                    i32x4.extractLane(most.get, 0),
                  ),
              ),
              f32.const(1 / ZERO_STEPS),
            ),
            ACTIVATION.sum,
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
