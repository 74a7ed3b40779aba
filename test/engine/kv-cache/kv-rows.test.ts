import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KvRows, KvRowsError, type RowShape } from '../../../src/engine';
import { liftKeys, moveKeys, placeKeys } from '../../../src/engine/kv-cache/rotation';
import { ropeFrequencies } from '../../../src/engine/rope/frequencies';

const rope = ropeFrequencies(
  { theta: 10000, rotaryDim: 8, originalMaxPositions: 64, scaling: { type: 'default' } },
  64,
);

function make(rows: number, type: RowShape['type'] = 'float32'): KvRows {
  const shape: RowShape = { layers: 2, kvHeads: 3, headDim: 8, type };
  const size = 2 * 3 * rows * 8;
  const values = Array.from({ length: size }, (_, i) => Math.sin(i));
  const single = new KvRows({
    shape: { ...shape, type: 'float32' },
    keys: Float32Array.from(values),
    values: Float32Array.from(values, (x) => -x),
    positions: Int32Array.from({ length: rows }, (_, i) => i * 2),
    tokens: rows * 2,
  });
  return single.as(type);
}

describe('KvRows', () => {
  it.each(['float32', 'float16'] as const)('are equal after conversion to bytes and back (%s)', (type) => {
    const rows = make(5, type);
    const back = KvRows.deserialize(rows.serialize());
    expect(back).toEqual(rows);
  });

  it('can be picked in any order', () => {
    const picked = make(4).pick([3, 0]);
    expect([...picked.positions]).toEqual([6, 0]);
    expect(picked.keys[0]).toBe(make(4).keys[3 * 8]);
    expect(picked.keys[8]).toBe(make(4).keys[0]);
  });

  it('are refused if cut, extended or overwritten, without reads past the end', () => {
    const bytes = make(3).serialize();
    fc.assert(
      fc.property(
        fc.nat(bytes.length - 1),
        (length) => void expect(() => KvRows.deserialize(bytes.slice(0, length))).toThrow(KvRowsError),
      ),
    );
    expect(() => KvRows.deserialize(new Uint8Array([...bytes, 0]))).toThrow(/announced/);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        (noise) => void expect(() => KvRows.deserialize(noise)).toThrow(KvRowsError),
      ),
    );
    fc.assert(
      fc.property(fc.nat(31), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const damaged = bytes.slice();
        damaged[at] = value;
        try {
          expect(KvRows.deserialize(damaged).rows).toBeLessThan(10);
        } catch (error) {
          expect(error).toBeInstanceOf(KvRowsError);
        }
      }),
    );
  });

  it('of another model are refused', () => {
    expect(() => make(2).assertFits({ layers: 2, kvHeads: 3, headDim: 16, type: 'float32' })).toThrow(
      /2 layers × 3 key heads × 8/,
    );
  });
});

describe('rotation', () => {
  it('is additive: place, move and lift give the original', () =>
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: -1000, max: 1000 }),
        (positions, step) => {
          const rows = make(positions.length);
          const block = { keys: rows.keys.slice(), values: rows.values, rows: rows.rows };
          const other = { keys: rows.keys.slice(), values: rows.values, rows: rows.rows };
          placeKeys(block, rows.shape, rope, positions);
          moveKeys(
            block,
            rows.shape,
            rope,
            positions.map(() => step),
          );
          placeKeys(
            other,
            rows.shape,
            rope,
            positions.map((position) => position + step),
          );
          block.keys.forEach((key, i) => expect(Math.abs(key - (other.keys[i] as number))).toBeLessThan(1e-5));
          liftKeys(
            block,
            rows.shape,
            rope,
            positions.map((position) => position + step),
          );
          block.keys.forEach((key, i) => expect(Math.abs(key - (rows.keys[i] as number))).toBeLessThan(1e-5));
        },
      ),
      { numRuns: 40 },
    ));
});
