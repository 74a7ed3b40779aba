/** Each call of the file system that a command makes in its storage fails once: nothing hangs, nothing is lost. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildBundles, writeFiles } from '../worker/harness';
import { bundle } from '../workspace/files';

/** Every call in the long run; a few spread over the command in the unit tests. */
const SAMPLE = process.env['ANCHORAGE_LONG'] ? Infinity : 1;
const DEADLINE = 60_000;
let bundles: string;
let preload: string;
let directory: string;
let storage: string;

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
  calls: number;
}

function anchorage(argv: readonly string[], fault: Record<string, string> = {}): Ended {
  const count = join(directory, 'calls');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--require', preload, join(bundles, 'cli.js'), ...argv, '--storage', storage],
    {
      encoding: 'utf8',
      cwd: join(directory, 'work'),
      timeout: DEADLINE,
      env: {
        ...process.env,
        XDG_CACHE_HOME: join(directory, 'cache'),
        FAULT_UNDER: storage,
        FAULT_COUNT: count,
        ...fault,
      },
    },
  );
  return { status, stdout, stderr, calls: Number(readFileSync(count, 'utf8')) };
}

beforeAll(() => {
  bundles = buildBundles();
  directory = mkdtempSync(join(tmpdir(), 'anchorage-faults-'));
  preload = bundle('test/faults/preload.ts', join(bundles, 'preload.cjs'));
  storage = join(directory, 'store');
  writeFiles(join(directory, 'work'), {
    'pool.py': 'class Pool:\n    def take_zzpool(self, host):\n        return self.free.pop(host)\n',
    'guide.md': '# Guide\n\nAbout the zzguide of connections.\n',
    'count.ts': 'export function zzcount(values: number[]): number {\n  return values.length;\n}\n',
  });
});
afterAll(() => {
  rmSync(bundles, { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
});

/** All that is indexed is found, and the store is sound. */
function expectWhole(words: readonly string[], told: string): void {
  for (const word of words) {
    const { status, stdout } = anchorage(['search', word]);
    expect(stdout, `${told}, then ${word}`).toMatch(/pool\.py|guide\.md|count\.ts/);
    expect(status, told).toBe(0);
  }
  expect(anchorage(['check']), told).toMatchObject({ status: 0 });
}

const SCENARIOS = [
  { name: 'index of nothing stored', before: false, argv: ['index'] },
  { name: 'index after a change', before: true, argv: ['index'] },
  { name: 'search', before: true, argv: ['search', 'zzguide'] },
];

describe.each(SCENARIOS)('$name', ({ before, argv }) => {
  it.each(['ENOSPC', 'EIO'])(
    'ends with a code and words, and loses nothing, whichever call fails with %s',
    (code) => {
      const kept = join(directory, 'kept');
      rmSync(kept, { recursive: true, force: true });
      rmSync(storage, { recursive: true, force: true });
      if (before) {
        writeFileSync(join(directory, 'work', 'count.ts'), 'export const zzcount = 0;\n');
        expect(anchorage(['index']).status).toBe(0);
        cpSync(storage, kept, { recursive: true });
        writeFileSync(join(directory, 'work', 'count.ts'), 'export function zzcount(): number {\n  return 1;\n}\n');
      }
      const { calls } = anchorage(argv);
      expect(calls).toBeGreaterThan(20);
      const step = Math.max(1, Math.ceil(calls / SAMPLE));
      for (let at = 1 + ((calls * 7) % step); at <= calls; at += step) {
        rmSync(storage, { recursive: true, force: true });
        if (before) cpSync(kept, storage, { recursive: true });
        const told = `${argv.join(' ')}, call ${at} of ${calls}: ${code}`;
        const sticky = code === 'ENOSPC' ? '1' : '0';
        const ended = anchorage(argv, { FAULT_AT: String(at), FAULT_CODE: code, FAULT_STICKY: sticky });
        expect([0, 1], `${told}: ${ended.stderr}`).toContain(ended.status);
        expect(ended.stderr, told).not.toMatch(/^\s+at /m);
        if (ended.status === 1) expect(ended.stderr.trim(), told).not.toBe('');
        expectWhole(['zzpool', 'zzguide', 'zzcount'], told);
      }
    },
    3_600_000,
  );
});

it('says that the disk is full, and ends with 1', () => {
  rmSync(storage, { recursive: true, force: true });
  const ended = anchorage(['index'], { FAULT_AT: '20', FAULT_CODE: 'ENOSPC', FAULT_STICKY: '1' });
  expect(ended.stderr).toMatch(/the disk is full/);
  expect(ended.status).toBe(1);
});
