/** Compares rows of the engine with those of the reference. */
import { expect } from 'vitest';
import type { KvRows } from '../../../src/engine';
import { largestGap } from '../tiny';
import type { ReferenceRow } from './reference';

/** Row r of KvRows in the form of the reference. */
export function rowOf(rows: KvRows, r: number): ReferenceRow {
  const { layers, kvHeads, headDim } = rows.shape;
  const pick = (all: ArrayLike<number>, layer: number) =>
    Float64Array.from(
      { length: kvHeads * headDim },
      (_, i) => all[((layer * kvHeads + Math.floor(i / headDim)) * rows.rows + r) * headDim + (i % headDim)] as number,
    );
  const each = (all: ArrayLike<number>) => Array.from({ length: layers }, (_, layer) => pick(all, layer));
  return { keys: each(rows.keys), values: each(rows.values) };
}

export function rowsGap(a: KvRows, b: readonly ReferenceRow[]): number {
  expect(a.rows).toBe(b.length);
  const flat = (row: ReferenceRow) => [...row.keys, ...row.values].flatMap((x) => [...x]);
  return largestGap(
    b.map((_, r) => flat(rowOf(a, r))),
    b.map(flat),
  );
}
