import { describe, expect, it } from 'vitest';
import { BandRounder, bandRows, type RoundedBand, type RoundingTarget } from '../../../src/engine/decoder/band-rounder';
import { BLOCK, quantize4, quantize8, quantizeOutputs, unpackScale } from '../../../src/engine/decoder/quantize';

/** Bell-shaped values with outliers; deterministic. */
function weights(length: number, seed: number): Float32Array {
  let state = seed >>> 0;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  return Float32Array.from({ length }, () => (next() + next() + next() - 1.5) * (next() < 0.01 ? 8 : 1));
}

async function rounded(values: Float32Array, target: RoundingTarget, rounder: BandRounder): Promise<RoundedBand> {
  let made: RoundedBand | undefined;
  await rounder.round(
    (into) => {
      into.set(values);
      return Promise.resolve(values.length);
    },
    target,
    (band) => {
      const { blocks } = band;
      made = { ...band, blocks: blocks && { levels: blocks.levels.slice(), scales: blocks.scales.slice() } };
      return Promise.resolve();
    },
  );
  await rounder.flush();
  return made as RoundedBand;
}

/** Squared error of each block of 4-bit levels. */
function errors4(values: Float32Array, { levels, scales }: { levels: Uint8Array; scales: Float32Array }): number[] {
  return [...scales].map((word, block) => {
    const { scale, zero } = unpackScale(word);
    let sum = 0;
    for (let i = 0; i < BLOCK; i++) {
      const byte = levels[block * 16 + (i >> 1)] as number;
      sum += (scale * ((i % 2 === 0 ? byte & 15 : byte >> 4) - zero) - (values[block * BLOCK + i] as number)) ** 2;
    }
    return sum;
  });
}

describe.each([0, 2])('the kernels with %s threads', (threads) => {
  it('round blocks to 4 bits as well as the plain functions do', async () => {
    const rounder = new BandRounder(96, threads);
    const values = weights(96 * 50, 3);
    values.fill(0, 32, 64);
    const made = await rounded(values, { columns: 96, bits: 4 }, rounder);
    const expected = errors4(values, quantize4(values, 96));
    errors4(values, made.blocks as NonNullable<typeof made.blocks>).forEach((error, block) =>
      expect(error).toBeLessThanOrEqual((expected[block] as number) * (1 + 1e-2) + 1e-12),
    );
    expect(unpackScale(made.blocks?.scales[1] as number).scale).toBe(0);
    await rounder.close();
  });

  it('round blocks to 8 bits and outputs to transposed bytes within one level of the plain functions', async () => {
    const [rows, columns] = [37, 64];
    const rounder = new BandRounder(columns, threads);
    const values = weights(rows * columns, 4);
    const whole = rounder.transposed(rows + 3, columns);
    const made = await rounded(values, { columns, bits: 8, whole, row: 3 }, rounder);
    const blocks = quantize8(values, columns);
    made.blocks?.levels.forEach((level, i) => expect(Math.abs(level - (blocks.levels[i] as number))).toBeLessThan(2));
    expect(made.blocks?.scales).toEqual(blocks.scales);
    const plain = { levels: new Uint8Array((rows + 3) * columns), scales: new Float32Array(rows + 3) };
    quantizeOutputs(values, columns, plain, 3);
    expect(whole.scales).toEqual(plain.scales);
    for (let column = 0; column < columns; column++) {
      for (let row = 3; row < rows + 3; row++) {
        const at = column * (rows + 3) + row;
        expect(Math.abs((whole.levels[at] as number) - (plain.levels[at] as number))).toBeLessThan(2);
      }
    }
    await rounder.close();
  });

  it.each([NaN, Infinity, -Infinity])('notice %s', async (bad) => {
    const rounder = new BandRounder(64, threads);
    for (const at of [0, 31, 700]) {
      const values = weights(64 * 16, 6);
      values[at] = bad;
      const whole = rounder.transposed(16, 64);
      expect((await rounded(values, { columns: 64, bits: 4 }, rounder)).isFinite).toBe(false);
      expect((await rounded(values, { columns: 64, bits: 8 }, rounder)).isFinite).toBe(false);
      expect((await rounded(values, { columns: 64, bits: undefined, whole, row: 0 }, rounder)).isFinite).toBe(false);
    }
    await rounder.close();
  });

  it('hand bands on in order', async () => {
    const rounder = new BandRounder(32, threads);
    const order: number[] = [];
    for (let band = 0; band < 20; band++) {
      const values = new Float32Array(32 * bandRows(32)).fill(band + 1);
      await rounder.round(
        (into) => {
          into.set(values);
          return Promise.resolve(values.length);
        },
        { columns: 32, bits: 8 },
        (made) => {
          order.push(Math.round((made.blocks?.scales[5] as number) * 127));
          return Promise.resolve();
        },
      );
    }
    await rounder.flush();
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    await rounder.close();
  });
});
