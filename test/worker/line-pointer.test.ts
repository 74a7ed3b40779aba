import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Tokenizer } from '../../src/engine/checkpoint/tokenizer';
import { LinePointer, linesOfTokens } from '../../src/worker/line-pointer';
import { VectorHead } from '../../src/worker/vector-head';
import { safetensors } from './memory-checkpoint';

interface Fixture {
  tensors: Record<string, { shape: number[]; values: number[] }>;
  cases: { lines: number[][]; question: number[]; none: number; scores: number[] }[];
}

/** A small pointer and what PyTorch makes of some lines (models/recipe/fixtures.py). */
const { tensors, cases } = JSON.parse(readFileSync(join(__dirname, '../fixtures/checkpoints/pointer.json'), 'utf8')) as Fixture;
const table = Float32Array.from(tensors['vector.tokens']!.values);
const width = tensors['vector.tokens']!.shape[1]!;

let directory: string;
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'anchorage-pointer-'))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, some: Fixture['tensors']): string {
  const path = join(directory, name);
  writeFileSync(path, safetensors(Object.fromEntries(Object.entries(some).map(([key, { shape, values }]) => [key, { shape, values: Float32Array.from(values) }]))));
  return path;
}

test('scores of lines, a blank one among them, are PyTorch’s', async () => {
  const pointer = await LinePointer.open(file('whole.safetensors', tensors), table, width);
  for (const { lines, question, none, scores } of cases) {
    const found = pointer!.scores(question, lines);
    expect(found.none).toBeCloseTo(none, 3);
    expect(found.lines.length).toBe(scores.length);
    scores.forEach((score, line) => expect(Math.abs((found.lines[line] as number) - score)).toBeLessThan(1e-3));
  }
});

test('heads without a pointer have none, and one for another vocabulary is refused', async () => {
  expect(await LinePointer.open(file('without.safetensors', { 'vector.tokens': tensors['vector.tokens']! }), table, width)).toBe(undefined);
  const path = file('wrong.safetensors', { 'point.starts': { shape: [1, 3], values: [0, 0, 0] }, 'point.scales': tensors['point.scales']! });
  await expect(LinePointer.open(path, table, width)).rejects.toThrow(/point\.starts and point\.scales have 3 and 4 elements, not 24 × 3 and 4/);
});

test('a token that breaks two lines ends both, and what follows the last break is a line too', () => {
  expect(linesOfTokens([7, 1, 8, 2, 9], (token) => (token < 3 ? token : 0))).toEqual([[7, 1], [8, 2], [], [9]]);
});

test('the bundled model’s pointer tells which of some functions a question is about, and that it is about none', async () => {
  const folder = join(__dirname, '../../models/anchorage-8m');
  const heads = join(folder, 'heads.safetensors');
  const tokenizer = await Tokenizer.open(folder, 16_384);
  const head = await VectorHead.open(heads, 256, 256, 16_384);
  const pointer = await LinePointer.open(heads, head.tokenRows!, 256);
  const code = [
    'def load(path):', '    with open(path) as file:', '        return json.load(file)', '',
    'def total(prices):', '    result = 0', '    for price in prices:', '        result += price', '    return result', '',
    'def connect(host, port):', '    sock = socket.create_connection((host, port), timeout=5)', '    return sock', '',
  ].join('\n');
  const encode = (text: string): number[] => tokenizer.encode(text, { addSpecialTokens: false });
  const lines = linesOfTokens(encode(code), (token) => tokenizer.pieceOf(token)?.match(/Ċ/g)?.length ?? 0);
  const pointed = (question: string): number => {
    const { none, lines: scores } = pointer!.scores([tokenizer.idOf('<|query|>')!, ...encode(question)], lines);
    const best = scores.indexOf(Math.max(...scores));
    return scores[best]! > none ? best : -1;
  };
  expect(['Reads a JSON file.', 'Adds up all the prices.', 'Opens a network connection to a server.', 'Renders the sprite with a shader.'].map(pointed)).toEqual([0, 4, 10, -1]);
});
