import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EngineModel } from '../../src/inference/engine-model';
import { writeAnchoredCheckpoint } from './checkpoints';

let directory: string;
let model: EngineModel;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-anchored-'));
  writeAnchoredCheckpoint(directory, 128);
  model = await EngineModel.load({
    directory,
    compiledDirectory: join(directory, 'compiled'),
    weights: 'f32',
    threads: 1,
  });
});
afterAll(async () => {
  await model.close();
  rmSync(directory, { recursive: true, force: true });
});

const write = (content: string) => model.write([{ role: 'user', content }], { maxNewTokens: 8, onText: () => {} });

test('a model with an anchor rule reads a text beyond its window with anchors, beside the window', async () => {
  const { beyondWindow, cached } = await write('A line of a long text.\n'.repeat(30));
  expect(beyondWindow).toBe(128);
  const rows = new Map(cached?.map((each) => [each.kind, each]));
  expect([...rows.keys()].sort()).toEqual(['anchors', 'sinks', 'window']);
  expect(rows.get('anchors')?.rows).toBeGreaterThan(20);
  expect(rows.get('anchors')?.tokens).toBeGreaterThan(400);
  expect(rows.get('window')?.rows).toBeGreaterThan(100);
});

test('and within its window without', async () => {
  expect((await write('Short.')).cached).toBeUndefined();
});
