import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unpackScale } from '../../../../src/engine/decoder/quantize';
import { dequantizeOf } from '../../../../src/engine/formats/gguf/dequantize';
import { blocksFrom } from '../../../../src/engine/formats/gguf/stored-blocks';
import { encodeHalf } from '../../../../src/engine/kv-cache/float16';

const BLOCK = 32;
/** Bytes and values of a stored block, and its half-precision fields with the range that a quantizer writes. */
const TYPES = [
  { dtype: 'Q4_0', bytes: 18, values: 32, halves: [[0, -1, 1]] },
  {
    dtype: 'Q4_1',
    bytes: 20,
    values: 32,
    halves: [
      [0, 0.01, 1],
      [2, -0.15, 0],
    ],
  },
  {
    dtype: 'Q4_K',
    bytes: 144,
    values: 256,
    halves: [
      [0, 0.001, 0.1],
      [2, 0, 0.1],
    ],
  },
] as const;

const half = (value: number): Uint8Array => new Uint8Array(encodeHalf(Float32Array.of(value)).buffer);

describe.each(TYPES)('stored blocks of $dtype', ({ dtype, bytes, values, halves }) => {
  const blocks = fc
    .tuple(
      fc.uint8Array({ minLength: bytes, maxLength: bytes }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 2 }),
    )
    .map(([stored, parts]) => {
      for (const [i, [at, least, most]] of halves.entries())
        stored.set(half(least + (most - least) * (parts[i] as number)), at);
      return stored;
    });

  it('hold the stored values in 4 bits', () =>
    fc.assert(
      fc.property(blocks, (stored) => {
        const exact = new Float32Array(values);
        dequantizeOf(dtype)?.(stored, exact);
        const made = blocksFrom(dtype, 4)?.(stored);
        for (let block = 0; block < values / BLOCK; block++) {
          const own = exact.subarray(block * BLOCK, (block + 1) * BLOCK);
          const { scale, zero } = unpackScale(made?.scales[block] as number);
          const most = own.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
          // A block with all its values far from zero on one side is rounded once more.
          const isFar = own.every((value) => value < -0.05 * most) || own.every((value) => value > 0.05 * most);
          own.forEach((value, i) => {
            const byte = made?.levels[(block * BLOCK + i) >> 1] as number;
            const level = i % 2 === 0 ? byte & 15 : byte >> 4;
            const tolerance = isFar ? most / 15 : most * 2 ** -11 + Math.abs(scale) / 900;
            expect(Math.abs(scale * (level - zero) - value)).toBeLessThanOrEqual(tolerance + 1e-7);
          });
        }
      }),
    ));

  it.each([NaN, Infinity])('show %s in a scale', (bad) => {
    for (const [at] of halves) {
      const stored = new Uint8Array(bytes).fill(17);
      for (const [other] of halves) stored.set(half(0.01), other);
      stored.set(half(bad), at);
      const scales = blocksFrom(dtype, 4)?.(stored).scales ?? [];
      expect(scales.some((scale) => !Number.isFinite(scale))).toBe(true);
    }
  });
});

it('of other types are not taken for blocks of 4 bits', () => {
  for (const dtype of ['Q5_0', 'Q6_K', 'Q8_0', 'IQ4_NL', 'F16'] as const) expect(blocksFrom(dtype, 4)).toBeUndefined();
});
