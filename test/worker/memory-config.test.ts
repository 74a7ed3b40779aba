import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readMemoryConfig } from '../../src/worker/memory-config';
import { writeMemoryCheckpoint } from './memory-checkpoint';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-memory-config-'));
  writeMemoryCheckpoint(directory);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What is read of the checkpoint when the part on memories says this too. */
function read(more: Record<string, unknown>): ReturnType<typeof readMemoryConfig> {
  const file = join(directory, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as { anchorage: { memory: Record<string, unknown> } };
  Object.assign(config.anchorage.memory, more);
  writeFileSync(file, JSON.stringify(config));
  return readMemoryConfig(directory, { vocabSize: 512, layers: 2 }, { idOf: () => undefined });
}

it('knows the layers whose attention was taught to choose, where there are any', async () => {
  expect((await read({}))?.selectionLayers).toBe(undefined);
  expect((await read({ selection_layers: [1, 0] }))?.selectionLayers).toEqual([1, 0]);
});

it.each([
  [[2], 'outOfRange', 'lists a layer that the model does not have: it has 2, counted from 0'],
  [[-1], 'outOfRange', 'lists a layer that the model does not have'],
  [['1'], 'outOfRange', 'lists a layer that the model does not have'],
  [[0, 1, 0], 'outOfRange', 'has 3 entries, more than 2'],
  [[1, 1], 'malformed', 'must list layers, each once'],
  [[], 'malformed', 'must list layers, each once'],
  ['all', 'malformed', 'must be a list'],
])('refuses layers %j and names the field', async (layers, code, message) => {
  await expect(read({ selection_layers: layers })).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
  await expect(read({ selection_layers: layers })).rejects.toThrow('anchorage.memory.selection_layers');
});
