import fc from 'fast-check';
import { expect, it } from 'vitest';
import { assemble, define, doWhile, i32, signed, unsigned, when } from '../../../../src/engine/decoder/wasm/assembler';

/** Runs a function of one i32 and returns the i32 that it stores at address 0. */
function run(build: (x: { get: readonly unknown[] }) => Parameters<typeof i32.store>[1], x: number): number {
  const bytes = assemble([define('f', { x: 'i32' }, {}, (v) => i32.store(i32.const(0), build(v.x)))], 1);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const { f } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports as {
    f: (x: number) => void;
  };
  f(x);
  return new Int32Array(memory.buffer)[0] as number;
}

it('integers of any size are encoded correctly', () =>
  fc.assert(
    fc.property(fc.integer(), fc.integer(), (constant, x) => {
      expect(run((v) => i32.add(v.get as never, i32.const(constant)), x)).toBe((constant + x) | 0);
    }),
  ));

it('encodings are as short as possible', () => {
  expect([unsigned(0), unsigned(127), unsigned(128), signed(-1), signed(63), signed(64), signed(-65)]).toEqual([
    [0],
    [127],
    [128, 1],
    [127],
    [63],
    [192, 0],
    [191, 127],
  ]);
});

it('loops and branches work', () => {
  const bytes = assemble(
    [
      define('sum', { n: 'i32' }, { total: 'i32' }, ({ n, total }) => [
        doWhile(
          [
            when(i32.and(n.get, i32.const(1)), total.set(i32.add(total.get, n.get))),
            n.set(i32.sub(n.get, i32.const(1))),
          ],
          n.get,
        ),
        i32.store(i32.const(0), total.get),
      ]),
    ],
    1,
  );
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const { sum } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports as {
    sum: (n: number) => void;
  };
  sum(9);
  expect(new Int32Array(memory.buffer)[0]).toBe(1 + 3 + 5 + 7 + 9);
});
