import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** Path of a committed fixture, e.g. `checkpoints/llama2`. */
export function fixture(path: string): string {
  return join(here, 'fixtures', path);
}

export function readJsonFixture<T>(path: string): T {
  return JSON.parse(readFileSync(fixture(path), 'utf8')) as T;
}

export function readFloats(path: string): Float32Array {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** The model families of test/fixtures/checkpoints (made by models/recipe/fixtures). */
export const FAMILIES = [
  'llama2',
  'llama3',
  'llama-bias',
  'qwen2',
  'qwen2-yarn',
  'qwen3',
  'mistral',
  'mistral-window',
  'smollm2',
  'phi3',
  'granite',
  'olmo2',
  'smollm3',
  'gemma3',
  'qwen2-mixed',
] as const;
