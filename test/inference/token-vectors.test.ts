import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TokenVectors } from '../../src/inference/token-vectors';
import { safetensors } from './memory-checkpoint';

let directory: string;
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'anchorage-token-vectors-'))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const tensor = (shape: number[], values: number[]): { shape: number[]; values: Float32Array } => ({
  shape,
  values: Float32Array.from(values),
});
function file(name: string, tensors: Parameters<typeof safetensors>[0]): string {
  const path = join(directory, name);
  writeFileSync(path, safetensors(tensors));
  return path;
}

test('a question’s tokens weigh what their vectors are long, once each, and find themselves and what is near', async () => {
  const tokens = tensor([3, 2], [3, 4, 0, 2, 4, -3]);
  const vectors = await TokenVectors.open(file('near.safetensors', { token_vectors: tokens }), 2, 3);
  const look = vectors.neighboursOf([0, 1, 0]);
  // Lengths of 5, 2 and 5: 4 in the mean.
  expect([...look.weights]).toEqual([1.25, 0.5, 0]);
  expect([...look.lengths]).toEqual([1.25, 0.5, 1.25]);
  // (3, 4) and (0, 2) have a cosine of .8; (4, −3) is near to none.
  expect([...look.starts]).toEqual([0, 2, 4, 6]);
  expect([...look.ids]).toEqual([0, 1, 0, 1, 0, 1]);
  expect([...look.similarities].map((value) => Number(value.toFixed(5)))).toEqual([1, 0.8, 0.8, 1, 1, 0.8]);
});

test('what is near is the same however many tokens are asked for at once, and whether they were asked for before', async () => {
  const [vocabulary, width] = [40, 3];
  const table = Array.from({ length: vocabulary * width }, (_, i) => Math.round(8 * Math.sin(7 * i)) / 8);
  const vector = (token: number): number[] => table.slice(token * width, (token + 1) * width);
  const cosine = (one: number[], other: number[]): number =>
    one.reduce((sum, value, i) => sum + value * (other[i] as number), 0) / (Math.hypot(...one) * Math.hypot(...other));
  const open = (): Promise<TokenVectors> =>
    TokenVectors.open(
      file('many.safetensors', { token_vectors: tensor([vocabulary, width], table) }),
      width,
      vocabulary,
    );
  const all = Array.from({ length: vocabulary }, (_, token) => token);
  const vectors = await open();
  vectors.neighboursOf([3, 17, 30]);
  for (const look of [vectors.neighboursOf(all), (await open()).neighboursOf(all)]) {
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
  const path = file('wrong.safetensors', { token_vectors: tensor([1, 3], [0, 0, 0]) });
  await expect(TokenVectors.open(path, 3, 2)).rejects.toThrow(/token_vectors has 3 elements, not 2 × 3/);
});
