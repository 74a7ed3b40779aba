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

/** Reads a checkpoint whose configuration says this about token vectors. */
function read(vectors: unknown): ReturnType<typeof readMemoryConfig> {
  const file = join(directory, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8')) as { anchorage: Record<string, unknown> };
  writeFileSync(file, JSON.stringify({ ...config, anchorage: { ...config.anchorage, token_vectors: vectors } }));
  return readMemoryConfig(directory, { vocabSize: 512 }, { idOf: () => undefined });
}

it('knows the vectors of tokens, where there are any; memories made with others are other memories', async () => {
  const plain = await read(undefined);
  expect(plain?.tokenVectors).toBe(undefined);
  const learnt = await read({ file: 'token_vectors.safetensors', width: 32 });
  expect(learnt?.tokenVectors).toEqual({ file: join(directory, 'token_vectors.safetensors'), width: 32 });
  expect(learnt?.digest).not.toBe(plain?.digest);
});

it.each([
  [{ file: 'token_vectors.safetensors' }, 'anchorage.token_vectors.width'],
  [{ file: 'token_vectors.safetensors', width: 0 }, 'anchorage.token_vectors.width'],
  [{ width: 8 }, 'anchorage.token_vectors.file'],
  [{ file: '../token_vectors.safetensors', width: 8 }, 'plain file name'],
  [{ file: 'other.safetensors', width: 8 }, 'other.safetensors'],
])('refuses %j and says what is wrong', async (vectors, message) => {
  await expect(read(vectors)).rejects.toThrow(message);
});

it('finds no memory slots beside a GGUF file, which has no config.json', async () => {
  rmSync(join(directory, 'config.json'));
  expect(await readMemoryConfig(directory, { vocabSize: 512 }, { idOf: () => undefined })).toBe(undefined);
});
