import { mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Library, type LibraryOptions } from '../../src/library/library';
import { Grammars } from '../../src/library/segments/syntax/parser';
import { bundle, SETTINGS, word, Workspace } from './workspace';

const scripts = new Workspace();
let threadScript: string;
let workspace: Workspace;
const open: Library[] = [];

beforeAll(() => {
  threadScript = bundle('src/library/segments/thread.ts', join(process.cwd(), '.cache/test', `segment-thread-${process.pid}.cjs`));
});
afterAll(() => {
  scripts.dispose();
  rmSync(threadScript, { force: true });
});
beforeEach(() => {
  workspace = new Workspace();
});
afterEach(async () => {
  for (const library of open.splice(0)) await library.close();
  workspace.dispose();
});

async function library(options: Partial<LibraryOptions> = {}): Promise<Library> {
  const opened = await Library.open({ folders: workspace.folders, storageDirectory: workspace.storage, settings: SETTINGS, threads: 2, threadScript, ...options });
  open.push(opened);
  return opened;
}

const paths = async (from: Library, question: string): Promise<string[]> => [...new Set((await from.search(question, { scope: { kind: 'workspace' }, limit: 10 })).spans.map(({ path }) => path))];

describe('a first pass', () => {
  it('indexes every file, in threads, and says what it did', async () => {
    workspace.fill(40);
    workspace.put('logo.png', 'x');
    workspace.put('data.bin2', 'a\0b');
    workspace.put('latin.ts', Buffer.from('// caf\xe9 latinword\n', 'latin1'));
    const lib = await library();
    const progress: number[] = [];
    const states = new Set<string>();
    lib.onStatus((status) => {
      progress.push(status.progress);
      states.add(status.state);
    });
    await lib.start();
    const status = lib.status();
    expect(status).toMatchObject({ state: 'ready', reason: 'Up to date', filesIndexed: 41, progress: 1, problems: [] });
    expect(status.skipped).toEqual([{ reason: 'binary', files: 2 }]);
    expect(status.segments).toBeGreaterThan(40);
    expect(status.storeBytes).toBeGreaterThan(0);
    expect([...states]).toEqual(['walking', 'indexing', 'ready']);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(await paths(lib, word(7))).toEqual(['src/part0/module7.py']);
    expect(await paths(lib, 'latinword')).toEqual(['latin.ts']);
    expect(lib.why(join(workspace.root, 'latin.ts')).reason).toContain('not UTF-8');
    expect(lib.coverage()).toEqual({ filesIndexed: 41, filesKnown: 42, indexing: false });
  });

  it('answers while it runs from what is there, and says how much that is', async () => {
    workspace.fill(60);
    const lib = await library({ threads: 0 });
    let seen: { filesIndexed: number; indexing: boolean } | undefined;
    lib.onStatus(({ state, filesIndexed }) => {
      if (state === 'indexing' && filesIndexed > 0 && !seen) seen = lib.coverage();
    });
    lib.setFirst([join(workspace.root, 'src/part5/module54.ts')]);
    const pass = lib.start();
    while (lib.coverage().filesIndexed === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const { spans, coverage } = await lib.search(word(54), { scope: { kind: 'workspace' }, limit: 5 });
    expect(coverage.indexing).toBe(true);
    expect(coverage.filesIndexed).toBeLessThan(60);
    expect(coverage.filesKnown).toBe(60);
    expect(spans[0]?.path).toBe('src/part5/module54.ts');
    await pass;
    expect(lib.coverage()).toEqual({ filesIndexed: 60, filesKnown: 60, indexing: false });
  });

  it('can be stopped, and goes on where it was', async () => {
    workspace.fill(90);
    const lib = await library({ threads: 0 });
    const abort = new AbortController();
    const pass = lib.start(abort.signal);
    while (lib.coverage().filesIndexed < 10) await new Promise((resolve) => setTimeout(resolve, 2));
    abort.abort();
    await pass;
    expect(lib.status()).toMatchObject({ state: 'idle', reason: 'Stopped' });
    const stopped = lib.coverage().filesIndexed;
    expect(stopped).toBeLessThan(90);
    await lib.start();
    expect(lib.coverage().filesIndexed).toBe(90);
  });

  it('can be cancelled: what is indexed answers and is kept up to date, the rest waits until it is taken up again', async () => {
    workspace.fill(90);
    const lib = await library({ threads: 0 });
    const pass = lib.start();
    while (lib.coverage().filesIndexed < 10) await new Promise((resolve) => setTimeout(resolve, 2));
    await lib.cancel();
    await pass;
    const { filesIndexed } = lib.coverage();
    expect(filesIndexed).toBeLessThan(90);
    expect(lib.status()).toMatchObject({ state: 'cancelled', filesKnown: 90 });
    expect(lib.coverage()).toEqual({ filesIndexed, filesKnown: 90, indexing: false, held: 'cancelled' });
    const file = workspace.put('new.ts', 'export const heldword = 1;\n');
    await lib.applyChanges([{ file, type: 'created' }]);
    expect(await paths(lib, 'heldword')).toEqual(['new.ts']);
    // Rules that change would need a pass: it comes when the user takes it up again.
    await lib.applyChanges([{ file: workspace.put('.gitignore', 'new.ts\n'), type: 'created' }]);
    expect(lib.status().state).toBe('cancelled');
    await lib.start();
    expect(await paths(lib, 'heldword')).toEqual([]);
    expect(lib.coverage()).toEqual({ filesIndexed: 91, filesKnown: 91, indexing: false });
    // With nothing under way there is nothing to cancel.
    await lib.cancel();
    expect(lib.status().state).toBe('ready');
  });

  it('can be cancelled while it is held', async () => {
    workspace.fill(60);
    const lib = await library({ threads: 0 });
    lib.pause(true);
    const pass = lib.start();
    while (lib.status().state !== 'paused') await new Promise((resolve) => setTimeout(resolve, 5));
    await lib.cancel();
    await pass;
    expect(lib.status().state).toBe('cancelled');
    await lib.start();
    expect(lib.coverage().filesIndexed).toBe(60);
  });

  it('can be held and let go on; saved files are taken in meanwhile', async () => {
    workspace.fill(60);
    const lib = await library({ threads: 0 });
    lib.pause(true);
    const pass = lib.start();
    while (lib.status().state !== 'paused') await new Promise((resolve) => setTimeout(resolve, 5));
    const held = lib.coverage().filesIndexed;
    const file = workspace.put('new.ts', 'export const heldword = 1;\n');
    await lib.applyChanges([{ file, type: 'created' }]);
    expect(await paths(lib, 'heldword')).toEqual(['new.ts']);
    expect(lib.coverage().filesIndexed).toBeLessThanOrEqual(held + 1);
    lib.pause(false);
    await pass;
    expect(lib.coverage().filesIndexed).toBe(61);
  });
});

describe('a restart', () => {
  it('reads nothing that has not changed, and finds what was found', async () => {
    workspace.fill(30);
    const first = await library();
    await first.start();
    await first.close();
    const log = join(workspace.storage, 'index-0', 'documents.log');
    const before = statSync(log);
    const second = await library();
    expect(second.notices).toEqual([]);
    // Before any pass: the store alone answers.
    expect(await paths(second, word(11))).toEqual(['src/part4/module11.md']);
    await second.start();
    await second.close();
    expect(statSync(log).size).toBe(before.size);
    expect(statSync(log).mtimeMs).toBe(before.mtimeMs);
  });

  it('makes the grammars of its code ready while nothing is going on, and those alone', async () => {
    workspace.put('a.py', 'x = 1\n');
    for (const name of ['b.c', 'c.cpp', 'd.h']) workspace.put(name, 'int x;\n');
    for (let i = 0; i < 9; i++) for (const type of ['json', 'md', 'yaml', 'txt', 'csv', 'html']) workspace.put(`notes/${i}.${type}`, `${i}\n`);
    await (await library()).start();
    await open.pop()?.close();
    const load = vi.spyOn(Grammars.prototype, 'load');
    try {
      await (await library()).start();
      expect(load).not.toHaveBeenCalled();
      await vi.waitFor(() => expect(load.mock.calls.flat()).toEqual(['cpp', 'python']), { timeout: 20_000 });
    } finally {
      load.mockRestore();
    }
  });

  it('sees what changed, came and went meanwhile, by time and size and then by content', async () => {
    workspace.fill(12);
    const first = await library();
    await first.start();
    await first.close();
    const touched = join(workspace.root, 'src/part0/module0.ts');
    utimesSync(touched, new Date(), new Date());
    workspace.put('src/part1/module1.py', 'def changedword():\n    return 1\n');
    rmSync(join(workspace.root, 'src/part2/module2.md'));
    renameSync(join(workspace.root, 'src/part3'), join(workspace.root, 'src/moved'));
    const second = await library();
    await second.start();
    expect(await paths(second, 'changedword')).toEqual(['src/part1/module1.py']);
    expect(await paths(second, word(1))).toEqual([]);
    expect(await paths(second, word(2))).toEqual([]);
    expect(await paths(second, word(3))).toEqual(['src/moved/module3.ts']);
    expect(await paths(second, word(0))).toEqual(['src/part0/module0.ts']);
    expect(second.coverage().filesIndexed).toBe(11);
  });
});

describe('live changes', () => {
  it('are found once they are saved, and gone once they are deleted', async () => {
    workspace.fill(6);
    const lib = await library();
    await lib.start();
    const file = workspace.put('src/new file #1.ts', 'export function freshword() {\n  return 1;\n}\n');
    await lib.applyChanges([{ file, type: 'created' }]);
    expect(await paths(lib, 'freshword')).toEqual(['src/new file #1.ts']);
    writeFileSync(file, 'export function otherword() {\n  return 1;\n}\n');
    await lib.applyChanges([{ file, type: 'changed' }]);
    expect(await paths(lib, 'freshword')).toEqual([]);
    expect(await paths(lib, 'otherword')).toEqual(['src/new file #1.ts']);
    rmSync(join(workspace.root, 'src'), { recursive: true });
    await lib.applyChanges([{ file: join(workspace.root, 'src'), type: 'deleted' }]);
    expect(lib.coverage().filesIndexed).toBe(0);
    expect(await paths(lib, 'otherword')).toEqual([]);
  });

  it('of a file that nobody told of are seen when a question meets it', async () => {
    workspace.fill(6);
    const lib = await library();
    await lib.start();
    workspace.put('src/part0/module0.ts', `export const nothing = 1;\n\n\n\n\n\n\n\n/** Now here: ${word(0)} lateword. */\nexport function moved() {\n  return 1;\n}\n`);
    const { spans } = await lib.search(word(0), { scope: { kind: 'workspace' }, limit: 5 });
    expect(spans[0]).toMatchObject({ path: 'src/part0/module0.ts' });
    expect(spans[0]?.text).toContain('lateword');
  });

  it('of rules and folders walk the workspace anew', async () => {
    workspace.fill(9);
    const lib = await library();
    await lib.start();
    const rules = workspace.put('.gitignore', 'part1/\n');
    mkdirSync(join(workspace.root, '.git'));
    await lib.applyChanges([{ file: rules, type: 'created' }]);
    expect(await paths(lib, word(1))).toEqual([]);
    expect(lib.why(join(workspace.root, 'src/part1/module1.py'))).toMatchObject({ indexed: false, rule: { line: 1, pattern: 'part1/' } });
    workspace.put('fresh/deep/a.ts', 'export const deepword = 1;\n');
    await lib.applyChanges([{ file: join(workspace.root, 'fresh'), type: 'created' }]);
    expect(await paths(lib, 'deepword')).toEqual(['fresh/deep/a.ts']);
  });

  it('in a burst, as of a branch switch, are taken in together; going back is not segmenting again', async () => {
    workspace.fill(260);
    const lib = await library();
    await lib.start();
    const files = Array.from({ length: 260 }, (_, i) => ({ file: join(workspace.root, `src/part${i % 7}/module${i}.${['ts', 'py', 'md'][i % 3]}`), type: 'changed' as const }));
    for (const { file } of files) writeFileSync(file, 'export const branchword = 1;\n');
    await lib.applyChanges(files);
    expect(await paths(lib, word(100))).toEqual([]);
    expect((await lib.search('branchword', { scope: { kind: 'workspace' }, limit: 20 })).spans.length).toBe(20);
    workspace.fill(260);
    await lib.applyChanges(files);
    expect(await paths(lib, word(100))).toEqual([`src/part2/module100.py`]);
    expect(lib.coverage().filesIndexed).toBe(260);
  });

  it('in an editor count before they are saved, and no longer once they are given up', async () => {
    workspace.fill(6);
    const lib = await library();
    await lib.start();
    const file = join(workspace.root, 'src/part0/module0.ts');
    await lib.setUnsaved(file, 'export function draftword() {\n  return 1;\n}\n');
    expect(await paths(lib, 'draftword')).toEqual(['src/part0/module0.ts']);
    expect((await lib.read(file)).text).toContain('draftword');
    expect(await paths(lib, word(0))).toEqual([]);
    // A pass meanwhile does not bring the old text back.
    await lib.start();
    expect(await paths(lib, 'draftword')).toEqual(['src/part0/module0.ts']);
    await lib.setUnsaved(file, null);
    expect(await paths(lib, 'draftword')).toEqual([]);
    expect(await paths(lib, word(0))).toEqual(['src/part0/module0.ts']);
    // What was typed but never saved is not there after a restart either.
    await lib.setUnsaved(file, 'export const ghostword = 1;\n');
    await lib.close();
    const again = await library();
    await again.start();
    expect(await paths(again, 'ghostword')).toEqual([]);
    expect(await paths(again, word(0))).toEqual(['src/part0/module0.ts']);
  });
});

describe('unsaved text', () => {
  it('is found again after a rebuild, and waits for the first question after a clear', async () => {
    workspace.fill(6);
    const lib = await library();
    await lib.start();
    const file = join(workspace.root, 'src/part0/module0.ts');
    const unborn = join(workspace.root, 'src/unborn.ts');
    await lib.setUnsaved(file, 'export const draftword = 1;\n');
    await lib.rebuild();
    expect(await paths(lib, 'draftword')).toEqual(['src/part0/module0.ts']);
    await lib.clear();
    await lib.setUnsaved(unborn, 'export const unbornword = 1;\n');
    expect(await paths(lib, 'draftword')).toEqual([]);
    expect(await paths(lib, 'unbornword')).toEqual([]);
    await lib.start();
    expect(await paths(lib, 'draftword')).toEqual(['src/part0/module0.ts']);
    expect(await paths(lib, 'unbornword')).toEqual(['src/unborn.ts']);
    await lib.setUnsaved(file, null);
    expect(await paths(lib, 'draftword')).toEqual([]);
    expect(await paths(lib, word(0))).toEqual(['src/part0/module0.ts']);
  });

  it('that is saved or typed over while it is being read does not come back', async () => {
    workspace.fill(6);
    const lib = await library();
    await lib.start();
    const file = join(workspace.root, 'src/part0/module0.ts');
    const half = lib.setUnsaved(file, 'export const halfword = 1;\n');
    writeFileSync(file, 'export const savedword = 1;\n');
    await Promise.all([half, lib.setUnsaved(file, null), lib.applyChanges([{ file, type: 'changed' }])]);
    expect(await paths(lib, 'savedword')).toEqual(['src/part0/module0.ts']);
    expect(await paths(lib, 'halfword')).toEqual([]);
    await Promise.all([lib.setUnsaved(file, 'export const firstword = 1;\n'), lib.setUnsaved(file, 'export const secondword = 1;\n')]);
    expect(await paths(lib, 'secondword')).toEqual(['src/part0/module0.ts']);
    expect(await paths(lib, 'firstword')).toEqual([]);
  });

  it('and saved files that were told just before a question are found by it', async () => {
    workspace.fill(6);
    const lib = await library();
    await lib.start();
    const typed = lib.setUnsaved(join(workspace.root, 'src/part0/module0.ts'), 'export const typedword = 1;\n');
    expect(await paths(lib, 'typedword')).toEqual(['src/part0/module0.ts']);
    const saved = join(workspace.root, 'src/part1/module1.py');
    writeFileSync(saved, 'savedword = 1\n');
    const told = lib.applyChanges([{ file: saved, type: 'changed' }]);
    expect(await paths(lib, 'savedword')).toEqual(['src/part1/module1.py']);
    await Promise.all([typed, told]);
  });

  it('keeps its place when a folder comes to the workspace', async () => {
    workspace.fill(3);
    workspace.put('other/x.ts', 'export const otherfolder = 1;\n');
    const src = { name: 'src', directory: join(workspace.root, 'src') };
    const lib = await library({ folders: [src] });
    await lib.start();
    await lib.setUnsaved(join(workspace.root, 'src/part0/module0.ts'), 'export const draftword = 1;\n');
    await lib.setFolders([src, { name: 'other', directory: join(workspace.root, 'other') }]);
    expect(await paths(lib, 'draftword')).toEqual(['src/part0/module0.ts']);
    await lib.setUnsaved(join(workspace.root, 'src/part0/module0.ts'), null);
    expect(await paths(lib, 'draftword')).toEqual([]);
    expect(await paths(lib, word(0))).toEqual(['src/part0/module0.ts']);
  });
});

describe('looking up', () => {
  it('finds where a name is defined and who uses it', async () => {
    workspace.put('a.ts', '/** Retries. */\nexport class RetryPolicy {\n  run() {}\n}\n');
    workspace.put('b.ts', "import { RetryPolicy } from './a';\n\nexport function connect() {\n  return new RetryPolicy();\n}\n// RetryPolicyOther and myRetryPolicy are not it\n");
    workspace.put('c.py', 'class Retry_Policy:\n    pass\n');
    const lib = await library();
    await lib.start();
    const definitions = await lib.definitions('RetryPolicy');
    expect(definitions.map(({ path, symbol }) => [path, symbol.kind, symbol.startLine, symbol.doc])).toEqual([['a.ts', 'class', 2, 'Retries.']]);
    const { users, more } = await lib.users('RetryPolicy', { limit: 1 });
    expect(users.map(({ span, label }) => [span.path, span.startLine, label])).toEqual([['b.ts', 1, 'b.ts']]);
    expect(more).toBe(1);
    expect((await lib.users('RetryPolicy', { limit: 10 })).users.map(({ label }) => label)).toEqual(['b.ts', 'connect']);
    expect(await lib.definitions('the')).toEqual([]);
    expect(await lib.users('constructor(', { limit: 3 })).toEqual({ users: [], more: 0 });
  });

  it('knows a name that ends in a mark, as in Ruby', async () => {
    workspace.put('a.rb', 'class Reactor\n  def wakeup!\n    @io\n  end\nend\n');
    workspace.put('b.rb', 'def stop\n  @reactor.wakeup!\nend\n');
    const lib = await library();
    await lib.start();
    expect((await lib.definitions('wakeup!')).map(({ path }) => path)).toEqual(['a.rb']);
    expect((await lib.users('wakeup!', { limit: 10 })).users.map(({ span, label }) => [span.path, span.startLine, label])).toEqual([['b.rb', 2, 'stop']]);
  });
});

describe('folders and settings', () => {
  it('may change while it is open', async () => {
    workspace.fill(8);
    workspace.put('other/x.ts', 'export const otherfolder = 1;\n');
    const lib = await library({ folders: [{ name: 'src', directory: join(workspace.root, 'src') }] });
    await lib.start();
    expect(await paths(lib, 'otherfolder')).toEqual([]);
    await lib.setFolders([{ name: 'src', directory: join(workspace.root, 'src') }, { name: 'other', directory: join(workspace.root, 'other') }]);
    expect(await paths(lib, 'otherfolder')).toEqual(['other/x.ts']);
    expect(await paths(lib, word(0))).toEqual(['src/part0/module0.ts']);
    await lib.setSettings({ ...SETTINGS, filesExclude: ['**/*.ts'] });
    expect(await paths(lib, 'otherfolder')).toEqual([]);
    expect(lib.coverage().filesIndexed).toBe(5);
  });

  it('of a workspace that was cleared come back with a pass, not one by one', async () => {
    workspace.fill(8);
    const lib = await library();
    await lib.start();
    await lib.clear();
    await lib.applyChanges([{ file: workspace.put('src/part1/module1.py', 'changed = 1\n'), type: 'changed' }]);
    expect(lib.coverage()).toMatchObject({ filesIndexed: 0 });
    await lib.start();
    expect(lib.coverage()).toMatchObject({ filesIndexed: 8 });
  });

  it('are forgotten by clear, and made again by rebuild', async () => {
    workspace.fill(8);
    const lib = await library();
    await lib.start();
    expect(await lib.clear()).toBeGreaterThan(0);
    expect(lib.coverage()).toMatchObject({ filesIndexed: 0 });
    expect(await paths(lib, word(1))).toEqual([]);
    await lib.rebuild();
    expect(await paths(lib, word(1))).toEqual(['src/part1/module1.py']);
  });
});
