import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VectorHead } from '../../src/inference/vector-head';
import { safetensors } from './memory-checkpoint';

let directory: string;
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'anchorage-heads-'))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const tensor = (shape: number[], values: number[]): { shape: number[]; values: Float32Array } => ({
  shape,
  values: Float32Array.from(values),
});
/** Two runs of two rows and one: hidden states of size 2. */
const HIDDEN = [Float32Array.from([1, 0, 3, 0]), Float32Array.from([2, 6])];
const TOKENS = [[0, 1], [1]];
const WEIGHT = tensor([3, 2], [1, 0, 0, 1, 0, 0]);

function file(name: string, tensors: Parameters<typeof safetensors>[0]): string {
  const path = join(directory, name);
  writeFileSync(path, safetensors(tensors));
  return path;
}

function expectClose(found: Float32Array, wanted: readonly number[]): void {
  const length = Math.hypot(...wanted);
  expect(found.length).toBe(wanted.length);
  wanted.forEach((value, i) => expect(found[i]).toBeCloseTo(value / length, 5));
}

test('without a head the mean hidden state is the vector', () => {
  expectClose(VectorHead.plain(2).of(HIDDEN, TOKENS), [2, 2]);
});

test('the head’s matrix turns the mean of all rows', async () => {
  const head = await VectorHead.open(file('weight.safetensors', { 'vector.weight': WEIGHT }), 3, 2, 2);
  expectClose(head.of(HIDDEN, TOKENS), [2, 2, 0]);
});

test('the tokens’ own vectors are added as their mean, each token as often as it stands there', async () => {
  const tokens = tensor([2, 3], [3, 0, 0, 0, 0, 6]);
  const head = await VectorHead.open(
    file('tokens.safetensors', { 'vector.weight': WEIGHT, 'vector.tokens': tokens }),
    3,
    2,
    2,
  );
  expectClose(head.of(HIDDEN, TOKENS), [2 + 1, 2, 4]);
});

test('a question’s tokens weigh what their vectors are long, once each, and find themselves and what is near', async () => {
  const tokens = tensor([3, 2], [3, 4, 0, 2, 4, -3]);
  const head = await VectorHead.open(
    file('near.safetensors', { 'vector.weight': tensor([2, 2], [0, 0, 0, 0]), 'vector.tokens': tokens }),
    2,
    2,
    3,
  );
  const look = head.neighboursOf([0, 1, 0]);
  // Lengths of 5, 2 and 5: 4 in the mean.
  expect([...look!.weights]).toEqual([1.25, 0.5, 0]);
  expect([...look!.lengths]).toEqual([1.25, 0.5, 1.25]);
  // (3, 4) and (0, 2) have a cosine of .8; (4, −3) is near to none.
  expect([...look!.starts]).toEqual([0, 2, 4, 6]);
  expect([...look!.ids]).toEqual([0, 1, 0, 1, 0, 1]);
  expect([...look!.similarities].map((value) => Number(value.toFixed(5)))).toEqual([1, 0.8, 0.8, 1, 1, 0.8]);
  expect(VectorHead.plain(2).neighboursOf([0])).toBeUndefined();
});

test('what is near is the same however many tokens are asked for at once, and whether they were asked for before', async () => {
  const [vocabulary, width] = [40, 3];
  const table = Array.from({ length: vocabulary * width }, (_, i) => Math.round(8 * Math.sin(7 * i)) / 8);
  const vector = (token: number): number[] => table.slice(token * width, (token + 1) * width);
  const cosine = (one: number[], other: number[]): number =>
    one.reduce((sum, value, i) => sum + value * (other[i] as number), 0) / (Math.hypot(...one) * Math.hypot(...other));
  const open = (): Promise<VectorHead> =>
    VectorHead.open(
      file('many.safetensors', {
        'vector.weight': tensor([width, 2], new Array<number>(2 * width).fill(0)),
        'vector.tokens': tensor([vocabulary, width], table),
      }),
      width,
      2,
      vocabulary,
    );
  const all = Array.from({ length: vocabulary }, (_, token) => token);
  const head = await open();
  head.neighboursOf([3, 17, 30]);
  for (const look of [head.neighboursOf(all)!, (await open()).neighboursOf(all)!]) {
    for (const token of all) {
      const [from, to] = [look.starts[token]!, look.starts[token + 1]!];
      const near = all.filter((other) => other === token || cosine(vector(token), vector(other)) >= 0.35);
      expect([...look.ids.slice(from, to)]).toEqual(near);
      near.forEach((other, i) =>
        expect(look.similarities[from + i]).toBeCloseTo(cosine(vector(token), vector(other)), 5),
      );
    }
  }
});

test('a table for another vocabulary is refused by name', async () => {
  const path = file('wrong.safetensors', { 'vector.weight': WEIGHT, 'vector.tokens': tensor([1, 3], [0, 0, 0]) });
  await expect(VectorHead.open(path, 3, 2, 2)).rejects.toThrow(/vector\.tokens has 3 elements, not 2 × 3/);
});
