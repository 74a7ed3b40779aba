import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Decoder, openCheckpoint } from '../../src/engine';
import { MemoryStore } from '../../src/memory';
import { memoryFolder } from '../../src/memory/store/folders';
import { indexFolder } from '../../src/workspace/store/folders';
import { fixture } from '../fixtures';
import { buildBundles, writeFiles } from '../worker/harness';

let bundles: string;
let directory: string;
let storage: string;
let compiled: string;
/** Everything that `check` reads, as it was made. */
let sound: string;

function check(...argv: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(bundles, 'cli.js'), 'check', '--storage', storage, ...argv],
    {
      encoding: 'utf8',
      cwd: join(directory, 'work'),
      env: { ...process.env, XDG_CACHE_HOME: join(directory, 'kept', 'cache') },
    },
  );
  return { status, stdout, stderr };
}

beforeAll(async () => {
  bundles = buildBundles();
  directory = mkdtempSync(join(tmpdir(), 'anchorage-check-'));
  storage = join(directory, 'kept', 'store');
  compiled = join(directory, 'kept', 'cache', 'anchorage', 'models', 'compiled');
  writeFiles(join(directory, 'work'), {
    'pool.py': 'def take(host):\n    return host\n',
    'note.md': '# Note\n\nText.\n',
  });
  const { status } = spawnSync(process.execPath, [join(bundles, 'cli.js'), 'index', '--storage', storage], {
    cwd: join(directory, 'work'),
    env: { ...process.env, XDG_CACHE_HOME: join(directory, 'kept', 'cache') },
  });
  expect(status).toBe(0);
  const store = await MemoryStore.open({ directory: memoryFolder(storage, 'test'), budgetBytes: 1e9, version: 'test' });
  const bytes = new Uint8Array(64);
  const payload = { ids: bytes, passages: bytes, coarse: bytes, rest: bytes };
  await store.put('0123456789abcdef0123456789abcdef', 9, { coarse: 1, rest: 1, bytesPerRow: 64 }, payload);
  await store.close();
  const checkpoint = await openCheckpoint(fixture('checkpoints/llama2'));
  const decoder = await Decoder.open(checkpoint, { weights: '8bit', cacheDirectory: compiled, threads: 1 });
  await decoder.close();
  await checkpoint.close();
  sound = join(directory, 'sound');
  cpSync(join(directory, 'kept'), sound, { recursive: true });
});
afterEach(() => {
  rmSync(join(directory, 'kept'), { recursive: true, force: true });
  cpSync(sound, join(directory, 'kept'), { recursive: true });
});
afterAll(() => {
  rmSync(bundles, { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
});

/** Flips one bit in the middle of a file. */
function harm(file: string): void {
  const bytes = readFileSync(file);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] as number) ^ 4;
  writeFileSync(file, bytes);
}

describe('anchorage check', () => {
  it('finds what was made sound, and changes nothing', () => {
    const before = readdirSync(join(directory, 'kept'), { recursive: true });
    const { status, stdout } = check();
    expect(stdout).toMatch(/Index +sound \(3 files\)\nMemories +sound \(1 file\)\n/);
    expect(stdout).toMatch(/Compiled models +sound \(1 file\)/);
    expect(status).toBe(0);
    expect(readdirSync(join(directory, 'kept'), { recursive: true })).toEqual(before);
  });

  it.each([
    ['Index', /index-[0-9a-f]+-0\/documents\.log/, () => join(indexFolder(storage), 'documents.log')],
    ['Index', /lexical-\d+\.pack/, () => join(indexFolder(storage), 'lexical', packName())],
    [
      'Index',
      /index-[0-9a-f]+-0\/lexical: the checksum/,
      () => join(indexFolder(storage), 'lexical', 'lexical.manifest'),
    ],
    ['Memories', /1\.pack: 1 of 1 records/, () => join(memoryFolder(storage, 'test'), '1.pack')],
    ['Compiled models', /weights\.bin/, () => join(compiled, readdirSync(compiled)[0] as string, 'weights.bin')],
  ])('names a damaged file of the part %s (%s), says what to do and ends with 1', (part, named, file) => {
    harm(file());
    const { status, stdout, stderr } = check();
    expect(status).toBe(1);
    expect(stderr).toContain('1 file damaged');
    expect(stdout).toMatch(new RegExp(`${part} +1 of \\d files? damaged\\. \\S+ .*again`));
    expect(stdout).toMatch(named);
    const { parts } = JSON.parse(check('--json').stdout) as { parts: { name: string; damaged: unknown[] }[] };
    expect(parts.filter(({ damaged }) => damaged.length > 0).map(({ name }) => name)).toEqual([part]);
  });
});

function packName(): string {
  return readdirSync(join(indexFolder(storage), 'lexical')).find((name) => name.endsWith('.pack')) as string;
}
