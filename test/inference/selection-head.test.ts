import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SelectionHead } from '../../src/inference/selection-head';
import { safetensors } from './memory-checkpoint';

let directory: string;
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'anchorage-selection-'))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Two query heads of one number and one key head, one layer: two numbers to choose by. */
const SHAPE = { layers: 1, queryHeads: 2, kvHeads: 1, headDim: 1 };
const tensor = (shape: number[], values: number[]): { shape: number[]; values: Float32Array } => ({
  shape,
  values: Float32Array.from(values),
});
const TENSORS = {
  'select.q_proj.weight': tensor([2, 2], [1, 0, 0, 2]),
  'select.q_proj.bias': tensor([2], [0, 1]),
  'select.k_proj.weight': tensor([2, 1], [3, 0]),
  'select.k_proj.bias': tensor([2], [0, 4]),
};

function file(name: string, tensors: Parameters<typeof safetensors>[0]): string {
  const path = join(directory, name);
  writeFileSync(path, safetensors(tensors));
  return path;
}

test('queries and keys are turned by matrices of their own, to length 1', async () => {
  const head = await SelectionHead.open(file('whole.safetensors', TENSORS), 2, SHAPE);
  // (3, 2 · 1.5 + 1) and (3 · 1, 4)
  expect([...head.ofQueries([Float32Array.of(3, 1.5)], [7])]).toEqual([expect.closeTo(0.6, 6), expect.closeTo(0.8, 6)]);
  expect([...head.ofKeys([Float32Array.of(1)], [7])]).toEqual([expect.closeTo(0.6, 6), expect.closeTo(0.8, 6)]);
});

test('a text of several runs is chosen by the mean over all its rows', async () => {
  const head = await SelectionHead.open(file('runs.safetensors', TENSORS), 2, SHAPE);
  // Three rows of mean 0 and one of 4.
  expect(head.ofKeys([Float32Array.of(0), Float32Array.of(4)], [3, 1])).toEqual(head.ofKeys([Float32Array.of(1)], [4]));
});

test('a tensor of another size, or none, is refused by name', async () => {
  await expect(SelectionHead.open(file('size.safetensors', TENSORS), 3, SHAPE)).rejects.toThrow(
    'select.q_proj.weight has 4 elements, not 6',
  );
  const { 'select.k_proj.bias': _, ...rest } = TENSORS;
  await expect(SelectionHead.open(file('missing.safetensors', rest), 2, SHAPE)).rejects.toThrow('select.k_proj.bias');
});
