import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BLOCK,
  blocksOf,
  packScale,
  quantize4,
  quantize8,
  quantizeOutputs,
  unpackScale,
} from '../../../src/engine/decoder/quantize';

const matrices = fc.integer({ min: 1, max: 70 }).chain((columns) =>
  fc.record({
    columns: fc.constant(columns),
    weights: fc
      .array(fc.float({ min: -4, max: 4, noNaN: true }), { minLength: columns, maxLength: columns * 3 })
      .map((all) => Float32Array.from(all.slice(0, Math.floor(all.length / columns) * columns))),
  }),
);

/** Largest magnitude in the block of a column. */
function blockPeak(weights: Float32Array, columns: number, row: number, column: number): number {
  const from = Math.floor(column / BLOCK) * BLOCK;
  const block = weights.slice(row * columns + from, row * columns + Math.min(from + BLOCK, columns));
  return block.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

describe('rounding', () => {
  it('to 8 bits has an error of at most half a step', () =>
    fc.assert(
      fc.property(matrices, ({ columns, weights }) => {
        const { levels, scales } = quantize8(weights, columns);
        weights.forEach((w, i) => {
          const [row, column] = [Math.floor(i / columns), i % columns];
          const block = row * blocksOf(columns) + Math.floor(column / BLOCK);
          const back = (scales[block] as number) * ((levels[block * BLOCK + (column % BLOCK)] as number) - 128);
          expect(Math.abs(back - w)).toBeLessThanOrEqual(blockPeak(weights, columns, row, column) / 254 + 1e-6);
        });
      }),
    ));

  it('to 4 bits has at most the mean square error of rounding the whole range', () =>
    fc.assert(
      fc.property(matrices, ({ columns, weights }) => {
        const { levels, scales } = quantize4(weights, columns);
        for (let row = 0; row < weights.length / columns; row++) {
          for (let from = 0; from < columns; from += BLOCK) {
            const block = row * blocksOf(columns) + from / BLOCK;
            const values = [...weights.slice(row * columns + from, row * columns + Math.min(from + BLOCK, columns))];
            const step = (Math.max(0, ...values) - Math.min(0, ...values)) / 15;
            const first = step === 0 ? 0 : -Math.min(0, ...values) / step;
            const { scale, zero } = unpackScale(scales[block] as number);
            let error = 0;
            let plain = 0;
            for (let column = from; column < Math.min(from + BLOCK, columns); column++) {
              const w = weights[row * columns + column] as number;
              const byte = levels[(block * BLOCK + (column % BLOCK)) >> 1] as number;
              const level = column % 2 === 0 ? byte & 15 : byte >> 4;
              error += (scale * (level - zero) - w) ** 2;
              plain += (step === 0 ? 0 : step * (Math.round(w / step + first) - first) - w) ** 2;
            }
            // Scale and zero are kept in 11 and 13 bits.
            expect(error).toBeLessThanOrEqual(plain * 1.01 + BLOCK * (step / 256) ** 2 + 1e-9);
          }
        }
      }),
    ));

  it('keeps scale and zero of a 4-bit block in one word', () =>
    fc.assert(
      fc.property(
        fc.float({ min: Math.fround(1e-30), max: Math.fround(1e30), noNaN: true }),
        fc.double({ min: 0, max: 15.99, noNaN: true }),
        (scale, zero) => {
          const packed = packScale(scale, zero);
          expect(Math.fround(packed)).toBe(packed);
          const back = unpackScale(packed);
          expect(Math.abs(back.scale / scale - 1)).toBeLessThan(2 ** -11);
          expect(Math.abs(back.zero - zero)).toBeLessThanOrEqual(1 / 1024);
        },
      ),
    ));

  it('keeps the scales of half precision exactly, and shows NaN', () => {
    expect(unpackScale(packScale(0.0999755859375, 8))).toEqual({ scale: 0.0999755859375, zero: 8 });
    expect(packScale(NaN, 3)).toBeNaN();
    expect(quantize4(Float32Array.of(1, NaN), 2).scales[0]).toBeNaN();
  });

  it('of outputs to bytes puts each under its column', () => {
    const into = { levels: new Uint8Array(6), scales: new Float32Array(3) };
    quantizeOutputs(Float32Array.of(1, -0.25), 2, into, 2);
    expect([...into.levels]).toEqual([0, 0, 255, 0, 0, 96]);
    expect(into.scales[2]).toBeCloseTo(1 / 127);
  });
});
