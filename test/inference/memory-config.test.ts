import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readMemoryConfig } from '../../src/inference/memory-config';
import { writeMemoryCheckpoint } from './memory-checkpoint';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-memory-config-'));
  writeMemoryCheckpoint(directory);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Reads a checkpoint whose configuration says this about selection. */
function read(selection: unknown): ReturnType<typeof readMemoryConfig> {
  const file = join(directory, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as { anchorage: Record<string, unknown> };
  writeFileSync(file, JSON.stringify({ ...config, anchorage: { ...config.anchorage, selection } }));
  return readMemoryConfig(directory, { vocabSize: 512 }, { idOf: () => undefined });
}

it('knows what the model’s attention chooses by, where it learnt to; memories made with another are other memories', async () => {
  const plain = await read(undefined);
  expect(plain?.selection).toBe(undefined);
  const learnt = await read({ file: 'selection.safetensors', width: 8 });
  expect(learnt?.selection).toEqual({ file: join(directory, 'selection.safetensors'), width: 8 });
  expect(learnt?.digest).not.toBe(plain?.digest);
});

it.each([
  [{ file: 'selection.safetensors' }, 'anchorage.selection.width'],
  [{ file: 'selection.safetensors', width: 0 }, 'anchorage.selection.width'],
  [{ width: 8 }, 'anchorage.selection.file'],
  [{ file: '../selection.safetensors', width: 8 }, 'plain file name'],
  [{ file: 'other.safetensors', width: 8 }, 'other.safetensors'],
])('refuses %j and says what is wrong', async (selection, message) => {
  await expect(read(selection)).rejects.toThrow(message);
});

it('finds no memory slots beside a GGUF file, which has no config.json', async () => {
  rmSync(join(directory, 'config.json'));
  expect(await readMemoryConfig(directory, { vocabSize: 512 }, { idOf: () => undefined })).toBe(undefined);
});
