import { f32x4, i32, i32x4, type Code, type Variable } from './assembler';

/**
 * Taylor coefficients of 2^f, from the highest power down. For |f| ≤ 1/2 the error is below single precision with
 * seven, and 4 · 10⁻⁵ with five.
 */
export const EXP2 = (terms: number): number[] =>
  Array.from({ length: terms }, (_, i) => terms - 1 - i).map(
    (n) => Math.LN2 ** n / Array.from({ length: n }, (_, i) => i + 1).reduce((a, b) => a * b, 1),
  );

/**
 * Added to a number below 2²² in magnitude it leaves the nearest whole number in the low bits. That is cheaper than
 * rounding and converting.
 */
export const ROUNDING = 1.5 * 2 ** 23;

/**
 * 2^t of four t between −126 and 126, as 2^n · 2^f with t = n + f.
 *
 * @param terms coefficients of 2^f, and the number ROUNDING: constants, or variables that hold them
 * @returns `split`, to be run first, which leaves n (in its low bits) and f in the variables, and the power's `value`
 */
export function powerOfTwo(
  t: Code,
  n: Variable,
  f: Variable,
  terms: readonly Code[] = EXP2(7).map(f32x4.const),
  rounding: Code = f32x4.const(ROUNDING),
): { split: Code; value: Code } {
  const [first, ...rest] = terms as [Code, ...Code[]];
  const polynomial = rest.reduce<Code>((sum, coefficient) => f32x4.relaxedMadd(sum, f.get, coefficient), first);
  return {
    split: [f.set(t), n.set(f32x4.add(f.get, rounding)), f.set(f32x4.sub(f.get, f32x4.sub(n.get, rounding)))],
    // The power of two is added to the exponent of the rest.
    value: i32x4.add(polynomial, i32x4.shl(n.get, i32.const(23))),
  };
}
