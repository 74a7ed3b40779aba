import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Workspace } from '../../src/workspace/workspace';
import { bundle, SETTINGS, word, TestWorkspace } from './files';
import { searchOver } from './search-over';

const cache = join(process.cwd(), '.cache/test');
let threadScript: string;
let childScript: string;
let disk: TestWorkspace;
/** Rounds of each fault; more in a long run. */
const ROUNDS = process.env['ANCHORAGE_LONG'] ? 40 : 6;
const FILES = 60;

beforeAll(() => {
  threadScript = bundle('src/workspace/segments/thread.ts', join(cache, `segment-thread-faults-${process.pid}.cjs`));
  childScript = bundle('test/workspace/index-child.ts', join(cache, `index-child-${process.pid}.cjs`));
});
afterAll(() => {
  rmSync(threadScript, { force: true });
  rmSync(childScript, { force: true });
});
beforeEach(() => {
  disk = new TestWorkspace();
});
afterEach(() => disk.dispose());

const open = (storageDirectory: string | undefined = disk.storage): Promise<Workspace> =>
  Workspace.open({ folders: disk.folders, storageDirectory, settings: SETTINGS, threads: 0 });

/** Checks that the workspace is complete: every file is indexed, and found by its own word. */
async function expectWhole(workspace: Workspace, files = FILES): Promise<void> {
  expect(workspace.status()).toMatchObject({ state: 'ready', problems: [] });
  expect(workspace.coverage()).toEqual({ filesIndexed: files, filesKnown: files, indexing: false });
  for (let i = 0; i < files; i += 7) {
    const { spans } = await searchOver(workspace).search(word(i), { scope: { kind: 'workspace' }, limit: 5 });
    expect(spans[0]?.path).toBe(`src/part${i % 7}/module${i}.${['ts', 'py', 'md'][i % 3]}`);
    expect(spans[0]?.text).toContain(word(i));
  }
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() && entry.name !== 'lock' ? [join(entry.parentPath, entry.name)] : [],
  );
}

describe('a process that is killed', () => {
  it('at any moment of indexing leaves a store from which the next process continues', async () => {
    disk.fill(FILES);
    let killed = 0;
    for (let round = 0; round < ROUNDS; round++) {
      if (round % 3 === 0) rmSync(disk.storage, { recursive: true, force: true });
      const child = spawn(process.execPath, [childScript, disk.root, disk.storage, threadScript], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = new Promise<string>((resolve) => {
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
        child.on('close', () => resolve(output));
      });
      await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
      await new Promise((resolve) => setTimeout(resolve, (round * 97) % 500));
      child.kill('SIGKILL');
      if (!(await ended).includes('done')) killed++;
      const workspace = await open();
      await workspace.start();
      await expectWhole(workspace);
      await workspace.close();
    }
    expect(killed).toBeGreaterThan(0);
  }, 240_000);
});

describe('a damaged store', () => {
  it('truncated in any file at any byte is repaired by a pass, which keeps undamaged data', async () => {
    disk.fill(FILES);
    const first = await open();
    await first.start();
    await first.close();
    const intact = join(disk.scratch, 'intact');
    cpSync(disk.storage, intact, { recursive: true });
    const files = filesBelow(disk.storage);
    expect(files.length).toBeGreaterThanOrEqual(3);
    for (const file of files) {
      const size = statSync(file).size;
      for (let round = 0; round < ROUNDS; round++) {
        rmSync(disk.storage, { recursive: true, force: true });
        cpSync(intact, disk.storage, { recursive: true });
        const cut = round === 0 ? 0 : round === 1 ? size - 1 : Math.floor((size * (round - 1)) / ROUNDS);
        truncateSync(file, cut);
        const workspace = await open();
        if (!file.endsWith('documents.log') || cut > size / 2) {
          expect(workspace.coverage().filesIndexed).toBeGreaterThan(0);
        }
        await workspace.start();
        await expectWhole(workspace);
        await workspace.close();
      }
    }
  }, 240_000);

  it('with noise, missing files or foreign files is repaired too', async () => {
    disk.fill(FILES);
    const first = await open();
    await first.start();
    await first.close();
    for (const file of filesBelow(disk.storage)) {
      const bytes = readFileSync(file);
      for (const harm of ['noise', 'missing', 'foreign'] as const) {
        if (harm === 'missing') rmSync(file, { force: true });
        else
          writeFileSync(
            file,
            harm === 'foreign' ? 'not ours at all\n' : bytes.map((byte, i) => (i % 97 === 13 ? byte ^ 0xff : byte)),
          );
        const workspace = await open();
        await workspace.start();
        await expectWhole(workspace);
        await workspace.close();
      }
    }
  }, 120_000);
});

describe('bad input', () => {
  it('is indexed as far as possible beside the rest, and survives a restart', async () => {
    disk.fill(12);
    const taken: Record<string, string | Uint8Array> = {
      'latin1.py': Buffer.from('# zzlatinq caf\xe9\n', 'latin1'),
      'wide.ts': Buffer.from('\uFEFF// zzwideq\n', 'utf16le'),
      'a b/it\u2019s "quoted" #1 😀.py': '# zzoddq\n',
      [`${'d'.repeat(140)}/${'f'.repeat(160)}.py`]: '# zzlongq\n',
      'one-line.js': `var zzwholeq=1;${'x();'.repeat(20_000)}`,
    };
    for (const [path, text] of Object.entries(taken)) disk.put(path, text);
    disk.put('binary.ts', Buffer.from([1, 0, 2, 0, 3]));
    const goes = disk.put('aaa-goes.ts', '// zzgoneq\n');
    symlinkSync(disk.root, join(disk.root, 'loop'));
    symlinkSync(join(disk.root, 'nowhere'), join(disk.root, 'broken.ts'));
    // One of the listed files is deleted between listing and reading.
    const workspace = await Workspace.open({
      folders: disk.folders,
      storageDirectory: disk.storage,
      settings: SETTINGS,
      threads: 0,
      yieldToForeground: () => rm(goes, { force: true }),
    });
    await workspace.start();
    const find = async (from: Workspace, question: string): Promise<string | undefined> =>
      (await searchOver(from).search(question, { scope: { kind: 'workspace' }, limit: 5 })).spans[0]?.path;
    const questions = ['zzlatinq', 'zzwideq', 'zzoddq', 'zzlongq', 'zzwholeq'];
    const expectAll = async (from: Workspace): Promise<void> => {
      expect(from.status()).toMatchObject({ state: 'ready', problems: [], filesIndexed: 12 + questions.length });
      expect(await Promise.all(questions.map((question) => find(from, question)))).toEqual(Object.keys(taken));
      expect(await find(from, 'zzgoneq')).toBeUndefined();
      for (let i = 0; i < 12; i++) expect(await find(from, word(i))).toBeDefined();
    };
    await expectAll(workspace);
    expect(
      workspace
        .status()
        .skipped.map(({ reason }) => reason)
        .sort(),
    ).toEqual(expect.arrayContaining(['binary', 'broken link', 'link to an indexed place']));
    await workspace.close();
    const again = await open();
    await again.start();
    await expectAll(again);
    await again.close();
  }, 120_000);
});

describe('an unusable storage directory', () => {
  it('gives an index in memory, and reports it', async () => {
    disk.fill(12);
    writeFileSync(disk.storage, 'a file where a folder should be');
    const workspace = await open();
    expect(workspace.notices).toHaveLength(1);
    expect(workspace.notices[0]).toContain('stays in memory');
    await workspace.start();
    await expectWhole(workspace, 12);
    await workspace.close();
  });

  it('is not shared by two windows: each has its own, and both are updated', async () => {
    disk.fill(12);
    const first = await open();
    const second = await open();
    expect(second.notices).toEqual(['Another window has this workspace open, so this window keeps its own index.']);
    expect(first.notices).toEqual([]);
    await Promise.all([first.start(), second.start()]);
    await expectWhole(first, 12);
    await expectWhole(second, 12);
    await first.close();
    const third = await open();
    expect(third.notices).toEqual([]);
    expect(third.coverage().filesIndexed).toBe(12);
    await second.close();
    await third.close();
  });
});

describe('a full disk', () => {
  const full = process.env['ANCHORAGE_FULL_DISK'];

  // Needs a small file system: mount -t tmpfs -o size=192k none DIR; ANCHORAGE_FULL_DISK=DIR.
  it.skipIf(!full)('affects only the store: all files are found, and written once there is space', async () => {
    disk.fill(FILES);
    const storage = join(full ?? '', 'store');
    const ballast = join(full ?? '', 'ballast');
    mkdirSync(storage, { recursive: true });
    let size = 1 << 12;
    try {
      for (; ; size += 1 << 12) writeFileSync(ballast, Buffer.alloc(size));
    } catch {
      truncateSync(ballast, Math.max(0, size - (1 << 14)));
    }
    const workspace = await open(storage);
    await workspace.start();
    expect(workspace.status().reason).toContain('disk');
    await expectWhole(workspace);
    rmSync(ballast);
    await workspace.close();
    const again = await open(storage);
    expect(again.coverage().filesIndexed).toBe(FILES);
    await again.close();
    rmSync(storage, { recursive: true, force: true });
    expect(existsSync(storage)).toBe(false);
  });
});
