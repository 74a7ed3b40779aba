/** Vector operations between the products: residual sum with RMSNorm, and the gate of the feed-forward. */

import { define, doWhile, f32, f32x4, i32, v128, type Code, type Variable, type WasmFunction } from './assembler';
import { powerOfTwo } from './exponential';

/** stream += change; out = stream / √(mean of its squares + epsilon) ⊙ weight, over `fours` vectors of four. */
export const addAndNorm = define(
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

/** A gate: out = gate / (1 + 2^t) ⊙ up, over `fours` vectors of four, where t is computed from the gate. */
const gateTimes = (name: string, power2: (gate: Variable) => Code): WasmFunction =>
  define(name, { gate: 'i32', up: 'i32', out: 'i32', fours: 'i32' }, { value: 'v128', n: 'v128', f: 'v128' }, (v) => {
    const exponent = f32x4.min(f32x4.max(power2(v.value), f32x4.const(-126)), f32x4.const(126));
    const power = powerOfTwo(exponent, v.n, v.f);
    const forward = (base: Variable) => base.set(i32.add(base.get, i32.const(16)));
    return doWhile(
      [
        // Below −10,000 the result is zero, and stays zero under the largest power.
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
  });

/** SiLU: out = gate / (1 + e^−gate) ⊙ up. */
export const siluTimes = gateTimes('siluTimes', (gate) => f32x4.mul(gate.get, f32x4.const(-Math.LOG2E)));

/**
 * GELU in its tanh form: out = gate / 2 · (1 + tanh u) ⊙ up with u = √(2/π) (gate + .044715 gate³), which is
 * gate / (1 + e^−2u) ⊙ up.
 */
export const geluTimes = gateTimes('geluTimes', (gate) => {
  const factor = -2 * Math.LOG2E * Math.sqrt(2 / Math.PI);
  const square = f32x4.mul(gate.get, gate.get);
  const inner = f32x4.add(f32x4.const(factor), f32x4.mul(square, f32x4.const(0.044715 * factor)));
  return f32x4.mul(gate.get, inner);
});
