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
let workspace: TestWorkspace;
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
  workspace = new TestWorkspace();
});
afterEach(() => workspace.dispose());

const open = (storageDirectory: string | undefined = workspace.storage): Promise<Workspace> =>
  Workspace.open({ folders: workspace.folders, storageDirectory, settings: SETTINGS, threads: 0 });

/** Checks that the workspace is complete: every file is indexed, and found by its own word. */
async function expectWhole(library: Workspace, files = FILES): Promise<void> {
  expect(library.status()).toMatchObject({ state: 'ready', problems: [] });
  expect(library.coverage()).toEqual({ filesIndexed: files, filesKnown: files, indexing: false });
  for (let i = 0; i < files; i += 7) {
    const { spans } = await searchOver(library).search(word(i), { scope: { kind: 'workspace' }, limit: 5 });
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
    workspace.fill(FILES);
    let killed = 0;
    for (let round = 0; round < ROUNDS; round++) {
      if (round % 3 === 0) rmSync(workspace.storage, { recursive: true, force: true });
      const child = spawn(process.execPath, [childScript, workspace.root, workspace.storage, threadScript], {
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
      const library = await open();
      await library.start();
      await expectWhole(library);
      await library.close();
    }
    expect(killed).toBeGreaterThan(0);
  }, 240_000);
});

describe('a damaged store', () => {
  it('truncated in any file at any byte is repaired by a pass, which keeps undamaged data', async () => {
    workspace.fill(FILES);
    const first = await open();
    await first.start();
    await first.close();
    const intact = join(workspace.scratch, 'intact');
    cpSync(workspace.storage, intact, { recursive: true });
    const files = filesBelow(workspace.storage);
    expect(files.length).toBeGreaterThanOrEqual(3);
    for (const file of files) {
      const size = statSync(file).size;
      for (let round = 0; round < ROUNDS; round++) {
        rmSync(workspace.storage, { recursive: true, force: true });
        cpSync(intact, workspace.storage, { recursive: true });
        const cut = round === 0 ? 0 : round === 1 ? size - 1 : Math.floor((size * (round - 1)) / ROUNDS);
        truncateSync(file, cut);
        const library = await open();
        if (!file.endsWith('documents.log') || cut > size / 2) {
          expect(library.coverage().filesIndexed).toBeGreaterThan(0);
        }
        await library.start();
        await expectWhole(library);
        await library.close();
      }
    }
  }, 240_000);

  it('with noise, missing files or foreign files is repaired too', async () => {
    workspace.fill(FILES);
    const first = await open();
    await first.start();
    await first.close();
    for (const file of filesBelow(workspace.storage)) {
      const bytes = readFileSync(file);
      for (const harm of ['noise', 'missing', 'foreign'] as const) {
        if (harm === 'missing') rmSync(file, { force: true });
        else
          writeFileSync(
            file,
            harm === 'foreign' ? 'not ours at all\n' : bytes.map((byte, i) => (i % 97 === 13 ? byte ^ 0xff : byte)),
          );
        const library = await open();
        await library.start();
        await expectWhole(library);
        await library.close();
      }
    }
  }, 120_000);
});

describe('bad input', () => {
  it('is indexed as far as possible beside the rest, and survives a restart', async () => {
    workspace.fill(12);
    const taken: Record<string, string | Uint8Array> = {
      'latin1.py': Buffer.from('# zzlatinq caf\xe9\n', 'latin1'),
      'wide.ts': Buffer.from('\uFEFF// zzwideq\n', 'utf16le'),
      'a b/it\u2019s "quoted" #1 😀.py': '# zzoddq\n',
      [`${'d'.repeat(140)}/${'f'.repeat(160)}.py`]: '# zzlongq\n',
      'one-line.js': `var zzwholeq=1;${'x();'.repeat(20_000)}`,
    };
    for (const [path, text] of Object.entries(taken)) workspace.put(path, text);
    workspace.put('binary.ts', Buffer.from([1, 0, 2, 0, 3]));
    const goes = workspace.put('aaa-goes.ts', '// zzgoneq\n');
    symlinkSync(workspace.root, join(workspace.root, 'loop'));
    symlinkSync(join(workspace.root, 'nowhere'), join(workspace.root, 'broken.ts'));
    // One of the listed files is deleted between listing and reading.
    const library = await Workspace.open({
      folders: workspace.folders,
      storageDirectory: workspace.storage,
      settings: SETTINGS,
      threads: 0,
      yieldToForeground: () => rm(goes, { force: true }),
    });
    await library.start();
    const find = async (from: Workspace, question: string): Promise<string | undefined> =>
      (await searchOver(from).search(question, { scope: { kind: 'workspace' }, limit: 5 })).spans[0]?.path;
    const questions = ['zzlatinq', 'zzwideq', 'zzoddq', 'zzlongq', 'zzwholeq'];
    const expectAll = async (from: Workspace): Promise<void> => {
      expect(from.status()).toMatchObject({ state: 'ready', problems: [], filesIndexed: 12 + questions.length });
      expect(await Promise.all(questions.map((question) => find(from, question)))).toEqual(Object.keys(taken));
      expect(await find(from, 'zzgoneq')).toBeUndefined();
      for (let i = 0; i < 12; i++) expect(await find(from, word(i))).toBeDefined();
    };
    await expectAll(library);
    expect(
      library
        .status()
        .skipped.map(({ reason }) => reason)
        .sort(),
    ).toEqual(expect.arrayContaining(['binary', 'broken link', 'link to an indexed place']));
    await library.close();
    const again = await open();
    await again.start();
    await expectAll(again);
    await again.close();
  }, 120_000);
});

describe('an unusable storage directory', () => {
  it('gives an index in memory, and reports it', async () => {
    workspace.fill(12);
    writeFileSync(workspace.storage, 'a file where a folder should be');
    const library = await open();
    expect(library.notices).toHaveLength(1);
    expect(library.notices[0]).toContain('stays in memory');
    await library.start();
    await expectWhole(library, 12);
    await library.close();
  });

  it('is not shared by two windows: each has its own, and both are updated', async () => {
    workspace.fill(12);
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
    workspace.fill(FILES);
    const storage = join(full ?? '', 'store');
    const ballast = join(full ?? '', 'ballast');
    mkdirSync(storage, { recursive: true });
    let size = 1 << 12;
    try {
      for (; ; size += 1 << 12) writeFileSync(ballast, Buffer.alloc(size));
    } catch {
      truncateSync(ballast, Math.max(0, size - (1 << 14)));
    }
    const library = await open(storage);
    await library.start();
    expect(library.status().reason).toContain('disk');
    await expectWhole(library);
    rmSync(ballast);
    await library.close();
    const again = await open(storage);
    expect(again.coverage().filesIndexed).toBe(FILES);
    await again.close();
    rmSync(storage, { recursive: true, force: true });
    expect(existsSync(storage)).toBe(false);
  });
});
