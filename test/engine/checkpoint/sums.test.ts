import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkSums } from '../../../src/engine/checkpoint/sums';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sums-'));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(directory, name), text);
  list(Object.keys(FILES));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const FILES = { 'config.json': '{}', 'model.safetensors': 'weights', 'README.md': 'any' };
const sum = (text: string): string => createHash('sha256').update(text).digest('hex');
const list = (names: readonly string[]): void =>
  writeFileSync(
    join(directory, 'SHA256SUMS'),
    names.map((name) => `${sum(FILES[name as keyof typeof FILES])}  ${name}\n`).join(''),
  );

test('files that match the list pass, and irrelevant files need no entry', async () => {
  await checkSums(directory);
  list(['config.json', 'model.safetensors']);
  await checkSums(directory);
});

test.each<[string, () => void, RegExp, string]>([
  [
    'a changed file',
    () => writeFileSync(join(directory, 'model.safetensors'), 'weight!'),
    /model\.safetensors.*SHA256SUMS/,
    'mismatch',
  ],
  ['a missing file', () => rmSync(join(directory, 'model.safetensors')), /model\.safetensors.*exist/, 'missing'],
  ['no list', () => rmSync(join(directory, 'SHA256SUMS')), /SHA256SUMS.*exist/, 'missing'],
  [
    'weights that are not listed',
    () => writeFileSync(join(directory, 'memory.safetensors'), 'more'),
    /memory\.safetensors.*not listed/,
    'mismatch',
  ],
  [
    'a line that is no sum',
    () => writeFileSync(join(directory, 'SHA256SUMS'), 'abc  config.json\n'),
    /no sum: abc/,
    'malformed',
  ],
  [
    'a name that leads out of the folder',
    () => writeFileSync(join(directory, 'SHA256SUMS'), `${sum('x')}  ../x\n`),
    /no sum/,
    'malformed',
  ],
])('%s is refused with the reason', async (_, harm, message, code) => {
  harm();
  await expect(checkSums(directory)).rejects.toMatchObject({
    name: 'CheckpointError',
    code,
    message: expect.stringMatching(message) as string,
  });
});
