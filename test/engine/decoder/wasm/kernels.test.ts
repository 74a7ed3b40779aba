import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blocksOf, BLOCK, quantize4, quantize8, unpackScale } from '../../../../src/engine/decoder/quantize';
import { KernelMemory } from '../../../../src/engine/decoder/wasm/kernel-memory';
import { ACTIVATION_BLOCK_BYTES, GROUP, PRODUCT } from '../../../../src/engine/decoder/wasm/layout';
import { packedBytes, packRows, rowSizes } from '../../../../src/engine/decoder/wasm/packing';

const number = fc.float({ min: -8, max: 8, noNaN: true });
const cases = fc.record({
  outputs: fc.integer({ min: 1, max: 50 }),
  inputs: fc.integer({ min: 1, max: 100 }),
  seed: fc.integer(),
});

function noise(length: number, seed: number): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1);
}

/** Quantizes like the kernel: blocks of 32 with one scale each, ties to even. */
function roundedBlocks(x: Float32Array): { levels: number[]; scales: number[] } {
  const scales = Array.from({ length: blocksOf(x.length) }, (_, b) =>
    x.slice(b * BLOCK, (b + 1) * BLOCK).reduce((most, v) => Math.max(most, Math.abs(v)), 0),
  );
  const even = (v: number) => (Math.abs(v % 1) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));
  const levels = [...x].map((v, i) =>
    even(Math.fround(v * Math.fround(127 / Math.max(scales[Math.floor(i / BLOCK)] as number, 1e-30)))),
  );
  return { levels, scales: scales.map((scale) => scale / 127) };
}

describe.each([8, 4] as const)('the %s-bit product', (bits) => {
  it.each([1, 2])('with %s threads is the sum over quantized blocks', async (threads) => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ outputs, inputs, seed }) => {
        const weights = noise(outputs * inputs, seed);
        const x = noise(inputs, seed + 1);
        const { levels, scales } = bits === 8 ? quantize8(weights, inputs) : quantize4(weights, inputs);
        const blocks = blocksOf(inputs);
        const groups = Math.ceil(outputs / GROUP);
        const memory = new KernelMemory(
          3 * packedBytes(outputs, inputs, bits) +
            blocks * (ACTIVATION_BLOCK_BYTES + BLOCK * 4) +
            groups * GROUP * 4 +
            1024,
          1,
          threads,
        );
        const at = memory.allocate(packedBytes(outputs, inputs, bits));
        const size = rowSizes(inputs, bits);
        const staged = {
          levels: memory.allocate(groups * GROUP * size.levels),
          scales: memory.allocate(groups * GROUP * size.scales),
          count: outputs,
        };
        memory.bytes(staged.levels, levels.length).set(levels);
        memory.floats(staged.scales, groups * GROUP * blocks).fill(NaN);
        memory.floats(staged.scales, scales.length).set(scales);
        packRows(memory, staged, bits, inputs, at);
        const from = memory.allocate(blocks * BLOCK * 4);
        const rounded = memory.allocate(blocks * ACTIVATION_BLOCK_BYTES);
        const out = memory.allocate(groups * GROUP * 4);
        memory.floats(from, inputs).set(x);
        const job = memory.job(bits, groups, [
          [PRODUCT.x, rounded],
          [PRODUCT.weights, at],
          [PRODUCT.out, out],
          [PRODUCT.blocks, blocks],
        ]);
        (bits === 8 ? memory.kernels.round8 : memory.kernels.round4)(from, rounded, blocks);
        memory.run(job);

        const own = roundedBlocks(x);
        const result = memory.floats(out, outputs);
        for (let row = 0; row < outputs; row++) {
          let sum = 0;
          for (let i = 0; i < inputs; i++) {
            const block = Math.floor(i / BLOCK);
            const index = (row * blocks + block) * BLOCK + (i % BLOCK);
            const word = scales[row * blocks + block] as number;
            const { scale, zero } = bits === 8 ? { scale: word, zero: 128 } : unpackScale(word);
            const level =
              bits === 8 ? (levels[index] as number) : ((levels[index >> 1] as number) >> (4 * (index & 1))) & 15;
            sum += (level - zero) * scale * (own.levels[i] as number) * (own.scales[block] as number);
          }
          expect(Math.abs((result[row] as number) - sum)).toBeLessThan(1e-4 * Math.sqrt(inputs));
        }
        await memory.close();
      }),
      { numRuns: threads === 1 ? 100 : 10 },
    );
  });
});

describe('vector operations between products', () => {
  it('add and normalize', () =>
    fc.assert(
      fc.property(fc.array(fc.tuple(number, number, number), { minLength: 4, maxLength: 40 }), (rows) => {
        const length = rows.length - (rows.length % 4);
        const memory = new KernelMemory(4096, 1, 1);
        const [stream, change, weight, out] = [0, 1, 2, 3].map(() => memory.allocate(length * 4)) as [
          number,
          number,
          number,
          number,
        ];
        [stream, change, weight].forEach((at, part) =>
          memory.floats(at, length).set(rows.slice(0, length).map((row) => row[part as 0])),
        );
        memory.kernels.addAndNorm(stream, change, weight, out, length / 4, 1e-5);
        const sums = rows.slice(0, length).map(([a, b]) => a + b);
        const scale = 1 / Math.sqrt(sums.reduce((total, x) => total + x * x, 0) / length + 1e-5);
        sums.forEach((sum, i) => {
          expect(memory.floats(stream, length)[i]).toBeCloseTo(sum, 4);
          expect(memory.floats(out, length)[i]).toBeCloseTo(sum * scale * (rows[i] as [number, number, number])[2], 3);
        });
      }),
    ));

  it('apply the gate, for any size', () => {
    const gates = [
      0, -0, 1, -1, 5, -5, 20, -20, 87, -87, 88.5, -88.5, 1e4, -1e4, 1e38, -1e38, 0.3, -0.7, 1e-20, -1e-20,
    ];
    const memory = new KernelMemory(4096, 1, 1);
    const [gate, up, out] = [0, 1, 2].map(() => memory.allocate(gates.length * 4)) as [number, number, number];
    memory.floats(gate, gates.length).set(gates);
    memory.floats(up, gates.length).fill(2);
    memory.kernels.siluTimes(gate, up, out, gates.length / 4);
    gates.forEach((x, i) => {
      const expected = (2 * x) / (1 + Math.exp(-x));
      const result = memory.floats(out, gates.length)[i] as number;
      expect(Math.abs(result - expected)).toBeLessThanOrEqual(2e-6 * Math.abs(expected) + 1e-30);
    });
    memory.kernels.geluTimes(gate, up, out, gates.length / 4);
    gates.forEach((x, i) => {
      // x · (1 + tanh u), written so that it keeps its digits where tanh is near −1.
      const u = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
      const expected = (2 * x) / (1 + Math.exp(-2 * u));
      const result = memory.floats(out, gates.length)[i] as number;
      // An exponent of up to 126 in single precision loses some digits of the power.
      expect(Math.abs(result - expected)).toBeLessThanOrEqual(2e-5 * Math.abs(expected) + 1e-30);
    });
  });
});
