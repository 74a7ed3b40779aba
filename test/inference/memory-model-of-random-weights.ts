/** A model with memory slots and random weights, loaded once for a test file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { EngineModel } from '../../src/inference/engine-model';
import type { MemoryModel } from '../../src/inference/memory-model';
import type { ComposeParams } from '../../src/protocol';
import { writeMemoryCheckpoint } from './memory-checkpoint';

export let directory: string;
export let model: EngineModel;
export let memory: MemoryModel;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-memory-'));
  writeMemoryCheckpoint(join(directory, 'random'));
  model = await EngineModel.load({
    directory: join(directory, 'random'),
    compiledDirectory: join(directory, 'compiled'),
    weights: 'f32',
    threads: 1,
  });
  memory = model.memory!;
});
afterAll(async () => {
  await model.close();
  rmSync(directory, { recursive: true, force: true });
});

export const TEXT = Array.from({ length: 40 }, (_, i) => `def step_${i}(value): return value * ${i}\n`).join('');
export const SHORT = 'def take(self, host): return self.free.pop(host)\n';
export const ask = (params: Partial<ComposeParams>): ComposeParams => ({
  coarse: { id: 'none', rows: new Uint8Array(0), tokens: 0 },
  fine: { rows: new Uint8Array(0), tokens: 0 },
  full: [],
  question: 'Where is it?',
  capacityRows: 4_096,
  maxNewTokens: 4,
  ...params,
});
