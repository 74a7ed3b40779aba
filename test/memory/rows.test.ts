import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHalf, encodeHalf } from '../../src/engine/kv-cache/float16';
import { KvRows } from '../../src/engine/kv-cache/kv-rows';
import {
  coarsePlaces,
  foldRows,
  halves,
  joinBytes,
  joinFine,
  packRows,
  rowCounts,
  chunkLengths,
  storedRowBytes,
  unpackRows,
} from '../../src/memory';

const SHAPE = { layers: 2, kvHeads: 2, headDim: 4 };
const sample = (rows: number): KvRows => {
  const size = SHAPE.layers * SHAPE.kvHeads * rows * SHAPE.headDim;
  const make = (salt: number): Uint16Array =>
    encodeHalf(Float32Array.from({ length: size }, (_, i) => Math.sin(i * 7 + salt)));
  return new KvRows({
    shape: { ...SHAPE, type: 'float16' },
    keys: make(1),
    values: make(2),
    positions: Int32Array.from({ length: rows }, (_, i) => i),
    tokens: 100,
  });
};

describe('stored rows', () => {
  it('survive packing, whole or in joined ranges', () => {
    const rows = sample(5);
    const bytes = packRows(rows);
    const back = unpackRows(bytes, SHAPE, rows.positions, 100);
    expect(back.keys).toEqual(rows.keys);
    expect(back.values).toEqual(rows.values);
    const width = storedRowBytes(SHAPE);
    expect(packRows(rows, [3, 1])).toEqual(
      joinBytes([bytes.subarray(3 * width, 4 * width), bytes.subarray(width, 2 * width)]),
    );
  });

  it('are rejected when the bytes are not whole rows', () => {
    expect(() => unpackRows(new Uint8Array(10), SHAPE, new Int32Array(1), 1)).toThrow(RangeError);
  });

  it('fold to the mean of keys and values', () => {
    const bytes = packRows(sample(3));
    const width = storedRowBytes(SHAPE);
    const all = decodeHalf(halves(bytes));
    const folded = decodeHalf(halves(foldRows(bytes, width)));
    folded.forEach((value, i) =>
      expect(value).toBeCloseTo(
        ((all[i] as number) + (all[i + width / 2] as number) + (all[i + width] as number)) / 3,
        2,
      ),
    );
  });

  it('are assigned to as few chunks of nearly equal length as possible, and fine rows keep their order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.constantFrom(
          { segmentTokens: 256, coarseTokens: 256, fineTokens: 32 },
          { segmentTokens: 512, coarseTokens: 128, fineTokens: 32 },
        ),
        (tokens, ratios) => {
          const runs = chunkLengths(tokens, ratios.segmentTokens);
          expect(runs.reduce((sum, run) => sum + run, 0)).toBe(tokens);
          expect(Math.max(...runs)).toBeLessThanOrEqual(ratios.segmentTokens);
          expect(Math.max(...runs) - Math.min(...runs)).toBeLessThanOrEqual(1);
          // Rows are numbered in text order. Coarse rows are stored first, then the rest.
          const coarse: number[] = [];
          const rest: number[] = [];
          let row = 0;
          for (const run of runs) {
            const places = new Set(coarsePlaces(run, ratios));
            for (let i = 0; i < Math.ceil(run / ratios.fineTokens); i++, row++)
              (places.has(i) ? coarse : rest).push(row & 255);
          }
          expect(rowCounts(tokens, ratios)).toEqual({ coarse: coarse.length, fine: row });
          expect([...joinFine(Uint8Array.from(coarse), Uint8Array.from(rest), tokens, 1, ratios)]).toEqual(
            Array.from({ length: row }, (_, i) => i & 255),
          );
        },
      ),
      { numRuns: 200 },
    );
  });
});
