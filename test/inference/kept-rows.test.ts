import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { decodeHalf, KvRows } from '../../src/engine';
import { KeptRows } from '../../src/inference/kept-rows';

const SHAPE = { layers: 2, kvHeads: 2, headDim: 4, type: 'float16' } as const;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-rows-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Keys with an outlier in the first dimension of each head. */
function rowsOf(count: number, seed = 1): KvRows {
  const size = SHAPE.layers * SHAPE.kvHeads * count * SHAPE.headDim;
  const value = (i: number): number => Math.sin(seed * 7 + i);
  return new KvRows({
    shape: { ...SHAPE, type: 'float32' },
    keys: Float32Array.from({ length: size }, (_, i) => (i % SHAPE.headDim === 0 ? 200 : 0) + value(i)),
    values: Float32Array.from({ length: size }, (_, i) => value(-i)),
    positions: Int32Array.from({ length: count }, (_, i) => i),
    tokens: count,
  }).as('float16');
}

const open = (model = 'm', diskBytes?: number): Promise<KeptRows> =>
  KeptRows.open({ model, shape: SHAPE, directory, ...(diskBytes === undefined ? {} : { diskBytes }) });

test('rows come back from disk within a 255th of their range, outliers beside them or not', async () => {
  const first = await open();
  const rows = rowsOf(5);
  const key = first.key(['head', 'text']);
  first.set(key, rows);
  await first.save();
  const again = await open();
  expect(again.has(key)).toBe(true);
  const found = (await again.get(key)) as KvRows;
  expect(found.rows).toBe(5);
  const [before, after] = [decodeHalf(rows.keys as Uint16Array), decodeHalf(found.keys as Uint16Array)];
  // f16 has steps of 1/8 around 200.
  before.forEach((value, i) => expect(Math.abs(value - (after[i] as number))).toBeLessThan(i % 4 === 0 ? 0.2 : 0.01));
});

test('rows of another model or text are not found, and damaged files count as not kept', async () => {
  const first = await open();
  const key = first.key(['head', 'text']);
  first.set(key, rowsOf(3));
  await first.save();
  const other = await open('other');
  expect(other.has(other.key(['head', 'text']))).toBe(false);
  expect(first.key(['head', 'texts'])).not.toBe(key);
  const [name = ''] = readdirSync(directory);
  const bytes = readFileSync(join(directory, name));
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  writeFileSync(join(directory, name), bytes);
  const again = await open();
  expect(await again.get(key)).toBe(undefined);
  expect(readdirSync(directory)).toEqual([]);
});

test('the least recently used rows leave the disk first', async () => {
  const kept = await open('m', 1_000);
  const keys = ['a', 'b', 'c', 'd'].map((text) => kept.key([text]));
  for (const [i, key] of keys.entries()) kept.set(key, rowsOf(3, i));
  await kept.save();
  const files = readdirSync(directory);
  expect(files.length).toBeGreaterThan(0);
  expect(files.length).toBeLessThan(4);
  expect(files).toContain(`${keys[3]}.rows`);
  for (const name of files) utimesSync(join(directory, name), 1, 1);
  await kept.clear();
  expect((await open()).has(keys[3] as string)).toBe(false);
});
