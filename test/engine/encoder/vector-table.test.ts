import { expect, it } from 'vitest';
import { VectorTable } from '../../../src/engine';
import { generator } from '../../../src/engine/generate/sampling';

/** A vector of length 1 and its signed bytes. */
function vector(width: number, random: () => number): { exact: Float32Array; bytes: Int8Array } {
  const values = Float32Array.from({ length: width }, () => random() - 0.5);
  const length = Math.hypot(...values);
  const exact = values.map((value) => value / length);
  return { exact, bytes: Int8Array.from(exact, (value) => Math.round(value * 127)) };
}

it.each([2, 16, 40, 384])('gives the cosines of vectors of %i columns with a query', (width) => {
  const random = generator(3);
  const table = new VectorTable(width, 500);
  const vectors = Array.from({ length: 300 }, () => vector(width, random));
  for (const [i, { bytes }] of vectors.entries()) expect(table.append(bytes)).toBe(i);
  for (const { exact: query } of [vector(width, random), vector(width, random)]) {
    const cosines = table.cosines(query);
    expect(cosines).toHaveLength(300);
    vectors.forEach(({ bytes }, i) => {
      const expected = bytes.reduce((sum, value, at) => sum + value * (query[at] as number), 0) / 127;
      expect(cosines[i]).toBeCloseTo(expected, 3);
    });
  }
});

it('takes several vectors at once, and none when there is no room for all', () => {
  const table = new VectorTable(2, 3);
  expect(table.append(Int8Array.of(127, 0, 0, 127))).toBe(0);
  expect(table.append(Int8Array.of(127, 0, 0, 127))).toBeUndefined();
  expect(table.append(Int8Array.of(-127, 0))).toBe(2);
  expect([...table.cosines(Float32Array.of(1, 0))].map((cosine) => Math.round(cosine))).toEqual([1, 0, -1]);
  table.clear();
  expect(table.cosines(Float32Array.of(1, 0))).toHaveLength(0);
  expect(table.append(Int8Array.of(0, 127))).toBe(0);
  expect(table.cosines(Float32Array.of(0, 1))[0]).toBeCloseTo(1, 3);
});
