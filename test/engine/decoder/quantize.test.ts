import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK, blocksOf, quantize4, quantize8, quantizeOutputs } from '../../../src/engine/decoder/quantize';

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

  it('to 4 bits has at most the mean square error of rounding without clipping', () =>
    fc.assert(
      fc.property(matrices, ({ columns, weights }) => {
        const { levels, scales } = quantize4(weights, columns);
        for (let row = 0; row < weights.length / columns; row++) {
          for (let from = 0; from < columns; from += BLOCK) {
            const block = row * blocksOf(columns) + from / BLOCK;
            const peak = [
              ...weights.slice(row * columns + from, row * columns + Math.min(from + BLOCK, columns)),
            ].reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
            let error = 0;
            let plain = 0;
            for (let column = from; column < Math.min(from + BLOCK, columns); column++) {
              const w = weights[row * columns + column] as number;
              const byte = levels[(block * BLOCK + (column % BLOCK)) >> 1] as number;
              const level = (column % 2 === 0 ? byte & 15 : byte >> 4) - 8;
              error += ((scales[block] as number) * level - w) ** 2;
              const step = peak / -8;
              plain += (step === 0 ? 0 : Math.min(7, Math.max(-8, Math.round(w / step))) * step - w) ** 2;
            }
            expect(error).toBeLessThanOrEqual(plain + 1e-6);
          }
        }
      }),
    ));

  it('of outputs to bytes puts each under its column', () => {
    const into = { levels: new Uint8Array(6), scales: new Float32Array(3) };
    quantizeOutputs(Float32Array.of(1, -0.25), 2, into, 2);
    expect([...into.levels]).toEqual([0, 0, 255, 0, 0, 96]);
    expect(into.scales[2]).toBeCloseTo(1 / 127);
  });
});
