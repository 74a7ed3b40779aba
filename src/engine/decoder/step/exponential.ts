import { f32x4, i32, i32x4, type Code, type Variable } from '../../wasm/assembler';

/** Taylor coefficients of 2^f, from f⁶ down: for |f| ≤ 1/2 the error is below that of single precision. */
const EXP2 = [6, 5, 4, 3, 2, 1, 0].map((n) => Math.LN2 ** n / Array.from({ length: n }, (_, i) => i + 1).reduce((a, b) => a * b, 1));

/**
 * 2^t of four t between −126 and 126, as 2^n · 2^f with t = n + f.
 *
 * @returns `split`, to be run first, which leaves n and f in the variables, and the power's `value`
 */
export function powerOfTwo(t: Code, n: Variable, f: Variable): { split: Code; value: Code } {
  const [first, ...rest] = EXP2 as [number, ...number[]];
  const polynomial = rest.reduce<Code>((sum, coefficient) => f32x4.add(f32x4.mul(sum, f.get), f32x4.const(coefficient)), f32x4.const(first));
  const whole = i32x4.shl(i32x4.add(i32x4.truncSatF32x4S(n.get), i32x4.const(127)), i32.const(23));
  return {
    split: [f.set(t), n.set(f32x4.nearest(f.get)), f.set(f32x4.sub(f.get, n.get))],
    value: f32x4.mul(polynomial, whole),
  };
}
