import { appendFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openWorkspace, paths, disk } from './opened-workspace';
import { SETTINGS, word } from './files';
import { searchOver } from './search-over';

describe('live changes', () => {
  it('are searchable once saved, and gone once deleted', async () => {
    disk.fill(6);
    const workspace = await openWorkspace();
    await workspace.start();
    const file = disk.put('src/new file #1.ts', 'export function freshword() {\n  return 1;\n}\n');
    await workspace.applyChanges([{ file, type: 'created' }]);
    expect(await paths(workspace, 'freshword')).toEqual(['src/new file #1.ts']);
    writeFileSync(file, 'export function otherword() {\n  return 1;\n}\n');
    await workspace.applyChanges([{ file, type: 'changed' }]);
    expect(await paths(workspace, 'freshword')).toEqual([]);
    expect(await paths(workspace, 'otherword')).toEqual(['src/new file #1.ts']);
    rmSync(join(disk.root, 'src'), { recursive: true });
    await workspace.applyChanges([{ file: join(disk.root, 'src'), type: 'deleted' }]);
    expect(workspace.coverage().filesIndexed).toBe(0);
    expect(await paths(workspace, 'otherword')).toEqual([]);
  });

  it('to an unreported file are detected when a question reads it', async () => {
    disk.fill(6);
    const workspace = await openWorkspace();
    await workspace.start();
    disk.put(
      'src/part0/module0.ts',
      `export const nothing = 1;\n\n\n\n\n\n\n\n/** Now here: ${word(0)} lateword. */\nexport function moved() {\n  return 1;\n}\n`,
    );
    const { spans } = await searchOver(workspace).search(word(0), { scope: { kind: 'workspace' }, limit: 5 });
    expect(spans[0]).toMatchObject({ path: 'src/part0/module0.ts' });
    expect(spans[0]?.text).toContain('lateword');
  });

  it('to rules and folders start a new walk', async () => {
    disk.fill(9);
    const workspace = await openWorkspace();
    await workspace.start();
    const rules = disk.put('.gitignore', 'part1/\n');
    mkdirSync(join(disk.root, '.git'));
    await workspace.applyChanges([{ file: rules, type: 'created' }]);
    expect(await paths(workspace, word(1))).toEqual([]);
    expect(await workspace.why(join(disk.root, 'src/part1/module1.py'))).toMatchObject({
      indexed: false,
      rule: { line: 1, pattern: 'part1/' },
    });
    disk.put('fresh/deep/a.ts', 'export const deepword = 1;\n');
    await workspace.applyChanges([{ file: join(disk.root, 'fresh'), type: 'created' }]);
    expect(await paths(workspace, 'deepword')).toEqual(['fresh/deep/a.ts']);
  });

  // Descriptors are counted in /proc.
  it.skipIf(process.platform !== 'linux')('below a burst open few files at once', async () => {
    disk.fill(190);
    const workspace = await openWorkspace();
    await workspace.start();
    const files = readdirSync(join(disk.root, 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    for (const file of files) appendFileSync(file, '\n');
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, open())), 1);
    await workspace.applyChanges(files.map((file) => ({ file, type: 'changed' })));
    clearInterval(watch);
    expect(files).toHaveLength(190);
    expect(most).toBeGreaterThan(0);
    expect(most - before).toBeLessThan(40);
  });

  it('in a burst (a branch switch) are indexed together; going back segments nothing again', async () => {
    disk.fill(260);
    const workspace = await openWorkspace();
    await workspace.start();
    const files = Array.from({ length: 260 }, (_, i) => ({
      file: join(disk.root, `src/part${i % 7}/module${i}.${['ts', 'py', 'md'][i % 3]}`),
      type: 'changed' as const,
    }));
    for (const { file } of files) writeFileSync(file, 'export const branchword = 1;\n');
    await workspace.applyChanges(files);
    expect(await paths(workspace, word(100))).toEqual([]);
    expect(
      (await searchOver(workspace).search('branchword', { scope: { kind: 'workspace' }, limit: 20 })).spans.length,
    ).toBe(20);
    disk.fill(260);
    await workspace.applyChanges(files);
    expect(await paths(workspace, word(100))).toEqual([`src/part2/module100.py`]);
    expect(workspace.coverage().filesIndexed).toBe(260);
  });

  it('in an editor are indexed before saving, and dropped when discarded', async () => {
    disk.fill(6);
    const workspace = await openWorkspace();
    await workspace.start();
    const file = join(disk.root, 'src/part0/module0.ts');
    await workspace.setUnsaved(file, 'export function draftword() {\n  return 1;\n}\n');
    expect(await paths(workspace, 'draftword')).toEqual(['src/part0/module0.ts']);
    expect((await workspace.read(file)).text).toContain('draftword');
    expect(await paths(workspace, word(0))).toEqual([]);
    // A pass meanwhile does not restore the old text.
    await workspace.start();
    expect(await paths(workspace, 'draftword')).toEqual(['src/part0/module0.ts']);
    await workspace.setUnsaved(file, null);
    expect(await paths(workspace, 'draftword')).toEqual([]);
    expect(await paths(workspace, word(0))).toEqual(['src/part0/module0.ts']);
    // Unsaved text is not in the index after a restart either.
    await workspace.setUnsaved(file, 'export const ghostword = 1;\n');
    await workspace.close();
    const again = await openWorkspace();
    await again.start();
    expect(await paths(again, 'ghostword')).toEqual([]);
    expect(await paths(again, word(0))).toEqual(['src/part0/module0.ts']);
  });
});

describe('unsaved text', () => {
  it('is found again after a rebuild, and waits for the first question after a clear', async () => {
    disk.fill(6);
    const workspace = await openWorkspace();
    await workspace.start();
    const file = join(disk.root, 'src/part0/module0.ts');
    const unborn = join(disk.root, 'src/unborn.ts');
    await workspace.setUnsaved(file, 'export const draftword = 1;\n');
    await workspace.rebuild();
    expect(await paths(workspace, 'draftword')).toEqual(['src/part0/module0.ts']);
    await workspace.clear();
    await workspace.setUnsaved(unborn, 'export const unbornword = 1;\n');
    expect(await paths(workspace, 'draftword')).toEqual([]);
    expect(await paths(workspace, 'unbornword')).toEqual([]);
    await workspace.start();
    expect(await paths(workspace, 'draftword')).toEqual(['src/part0/module0.ts']);
    expect(await paths(workspace, 'unbornword')).toEqual(['src/unborn.ts']);
    await workspace.setUnsaved(file, null);
    expect(await paths(workspace, 'draftword')).toEqual([]);
    expect(await paths(workspace, word(0))).toEqual(['src/part0/module0.ts']);
  });

  it('saved or overtyped while it is read is not restored', async () => {
    disk.fill(6);
    const workspace = await openWorkspace();
    await workspace.start();
    const file = join(disk.root, 'src/part0/module0.ts');
    const half = workspace.setUnsaved(file, 'export const halfword = 1;\n');
    writeFileSync(file, 'export const savedword = 1;\n');
    await Promise.all([half, workspace.setUnsaved(file, null), workspace.applyChanges([{ file, type: 'changed' }])]);
    expect(await paths(workspace, 'savedword')).toEqual(['src/part0/module0.ts']);
    expect(await paths(workspace, 'halfword')).toEqual([]);
    await Promise.all([
      workspace.setUnsaved(file, 'export const firstword = 1;\n'),
      workspace.setUnsaved(file, 'export const secondword = 1;\n'),
    ]);
    expect(await paths(workspace, 'secondword')).toEqual(['src/part0/module0.ts']);
    expect(await paths(workspace, 'firstword')).toEqual([]);
  });

  it('and saved files reported just before a question are found by it', async () => {
    disk.fill(6);
    const workspace = await openWorkspace();
    await workspace.start();
    const typed = workspace.setUnsaved(join(disk.root, 'src/part0/module0.ts'), 'export const typedword = 1;\n');
    expect(await paths(workspace, 'typedword')).toEqual(['src/part0/module0.ts']);
    const saved = join(disk.root, 'src/part1/module1.py');
    writeFileSync(saved, 'savedword = 1\n');
    const told = workspace.applyChanges([{ file: saved, type: 'changed' }]);
    expect(await paths(workspace, 'savedword')).toEqual(['src/part1/module1.py']);
    await Promise.all([typed, told]);
  });

  it('keeps its place when a folder is added to the workspace', async () => {
    disk.fill(3);
    disk.put('other/x.ts', 'export const otherfolder = 1;\n');
    const src = { name: 'src', directory: join(disk.root, 'src') };
    const workspace = await openWorkspace({ folders: [src] });
    await workspace.start();
    await workspace.setUnsaved(join(disk.root, 'src/part0/module0.ts'), 'export const draftword = 1;\n');
    await workspace.setFolders([src, { name: 'other', directory: join(disk.root, 'other') }]);
    expect(await paths(workspace, 'draftword')).toEqual(['src/part0/module0.ts']);
    await workspace.setUnsaved(join(disk.root, 'src/part0/module0.ts'), null);
    expect(await paths(workspace, 'draftword')).toEqual([]);
    expect(await paths(workspace, word(0))).toEqual(['src/part0/module0.ts']);
  });
});

describe('looking up', () => {
  it('finds the definitions and the users of a name', async () => {
    disk.put('a.ts', '/** Retries. */\nexport class RetryPolicy {\n  run() {}\n}\n');
    disk.put(
      'b.ts',
      "import { RetryPolicy } from './a';\n\nexport function connect() {\n  return new RetryPolicy();\n}\n// RetryPolicyOther and myRetryPolicy are not it\n",
    );
    disk.put('c.py', 'class Retry_Policy:\n    pass\n');
    const workspace = await openWorkspace();
    await workspace.start();
    const definitions = await workspace.definitions('RetryPolicy');
    expect(definitions.map(({ path, symbol }) => [path, symbol.kind, symbol.startLine, symbol.doc])).toEqual([
      ['a.ts', 'class', 2, 'Retries.'],
    ]);
    const { users, more } = await workspace.users('RetryPolicy', { limit: 1 });
    expect(users.map(({ span, label }) => [span.path, span.startLine, label])).toEqual([['b.ts', 1, 'b.ts']]);
    expect(more).toBe(1);
    expect((await workspace.users('RetryPolicy', { limit: 10 })).users.map(({ label }) => label)).toEqual([
      'b.ts',
      'connect',
    ]);
    expect(await workspace.definitions('the')).toEqual([]);
    expect(await workspace.users('constructor(', { limit: 3 })).toEqual({ users: [], more: 0 });
  });

  it('finds a name that ends in a mark, as in Ruby', async () => {
    disk.put('a.rb', 'class Reactor\n  def wakeup!\n    @io\n  end\nend\n');
    disk.put('b.rb', 'def stop\n  @reactor.wakeup!\nend\n');
    const workspace = await openWorkspace();
    await workspace.start();
    expect((await workspace.definitions('wakeup!')).map(({ path }) => path)).toEqual(['a.rb']);
    expect(
      (await workspace.users('wakeup!', { limit: 10 })).users.map(({ span, label }) => [
        span.path,
        span.startLine,
        label,
      ]),
    ).toEqual([['b.rb', 2, 'stop']]);
  });
});

describe('folders and settings', () => {
  it('may change while the workspace is open', async () => {
    disk.fill(8);
    disk.put('other/x.ts', 'export const otherfolder = 1;\n');
    const workspace = await openWorkspace({ folders: [{ name: 'src', directory: join(disk.root, 'src') }] });
    await workspace.start();
    expect(await paths(workspace, 'otherfolder')).toEqual([]);
    await workspace.setFolders([
      { name: 'src', directory: join(disk.root, 'src') },
      { name: 'other', directory: join(disk.root, 'other') },
    ]);
    expect(await paths(workspace, 'otherfolder')).toEqual(['other/x.ts']);
    expect(await paths(workspace, word(0))).toEqual(['src/part0/module0.ts']);
    await workspace.setSettings({ ...SETTINGS, filesExclude: ['**/*.ts'] });
    expect(await paths(workspace, 'otherfolder')).toEqual([]);
    expect(workspace.coverage().filesIndexed).toBe(5);
  });

  it('after a clear are indexed by a pass, not one by one', async () => {
    disk.fill(8);
    const workspace = await openWorkspace();
    await workspace.start();
    await workspace.clear();
    await workspace.applyChanges([{ file: disk.put('src/part1/module1.py', 'changed = 1\n'), type: 'changed' }]);
    expect(workspace.coverage()).toMatchObject({ filesIndexed: 0 });
    await workspace.start();
    expect(workspace.coverage()).toMatchObject({ filesIndexed: 8 });
  });

  it('are removed by clear, and indexed again by rebuild', async () => {
    disk.fill(8);
    const workspace = await openWorkspace();
    await workspace.start();
    expect(await workspace.clear()).toBeGreaterThan(0);
    expect(workspace.coverage()).toMatchObject({ filesIndexed: 0 });
    expect(await paths(workspace, word(1))).toEqual([]);
    await workspace.rebuild();
    expect(await paths(workspace, word(1))).toEqual(['src/part1/module1.py']);
  });
});
