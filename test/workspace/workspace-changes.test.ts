import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { library, paths, workspace } from './opened-workspace';
import { SETTINGS, word } from './files';
import { searchOver } from './search-over';

describe('live changes', () => {
  it('are searchable once saved, and gone once deleted', async () => {
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

  it('to an unreported file are detected when a question reads it', async () => {
    workspace.fill(6);
    const lib = await library();
    await lib.start();
    workspace.put(
      'src/part0/module0.ts',
      `export const nothing = 1;\n\n\n\n\n\n\n\n/** Now here: ${word(0)} lateword. */\nexport function moved() {\n  return 1;\n}\n`,
    );
    const { spans } = await searchOver(lib).search(word(0), { scope: { kind: 'workspace' }, limit: 5 });
    expect(spans[0]).toMatchObject({ path: 'src/part0/module0.ts' });
    expect(spans[0]?.text).toContain('lateword');
  });

  it('to rules and folders start a new walk', async () => {
    workspace.fill(9);
    const lib = await library();
    await lib.start();
    const rules = workspace.put('.gitignore', 'part1/\n');
    mkdirSync(join(workspace.root, '.git'));
    await lib.applyChanges([{ file: rules, type: 'created' }]);
    expect(await paths(lib, word(1))).toEqual([]);
    expect(lib.why(join(workspace.root, 'src/part1/module1.py'))).toMatchObject({
      indexed: false,
      rule: { line: 1, pattern: 'part1/' },
    });
    workspace.put('fresh/deep/a.ts', 'export const deepword = 1;\n');
    await lib.applyChanges([{ file: join(workspace.root, 'fresh'), type: 'created' }]);
    expect(await paths(lib, 'deepword')).toEqual(['fresh/deep/a.ts']);
  });

  it('in a burst (a branch switch) are indexed together; going back segments nothing again', async () => {
    workspace.fill(260);
    const lib = await library();
    await lib.start();
    const files = Array.from({ length: 260 }, (_, i) => ({
      file: join(workspace.root, `src/part${i % 7}/module${i}.${['ts', 'py', 'md'][i % 3]}`),
      type: 'changed' as const,
    }));
    for (const { file } of files) writeFileSync(file, 'export const branchword = 1;\n');
    await lib.applyChanges(files);
    expect(await paths(lib, word(100))).toEqual([]);
    expect((await searchOver(lib).search('branchword', { scope: { kind: 'workspace' }, limit: 20 })).spans.length).toBe(
      20,
    );
    workspace.fill(260);
    await lib.applyChanges(files);
    expect(await paths(lib, word(100))).toEqual([`src/part2/module100.py`]);
    expect(lib.coverage().filesIndexed).toBe(260);
  });

  it('in an editor are indexed before saving, and dropped when discarded', async () => {
    workspace.fill(6);
    const lib = await library();
    await lib.start();
    const file = join(workspace.root, 'src/part0/module0.ts');
    await lib.setUnsaved(file, 'export function draftword() {\n  return 1;\n}\n');
    expect(await paths(lib, 'draftword')).toEqual(['src/part0/module0.ts']);
    expect((await lib.read(file)).text).toContain('draftword');
    expect(await paths(lib, word(0))).toEqual([]);
    // A pass meanwhile does not restore the old text.
    await lib.start();
    expect(await paths(lib, 'draftword')).toEqual(['src/part0/module0.ts']);
    await lib.setUnsaved(file, null);
    expect(await paths(lib, 'draftword')).toEqual([]);
    expect(await paths(lib, word(0))).toEqual(['src/part0/module0.ts']);
    // Unsaved text is not in the index after a restart either.
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

  it('saved or overtyped while it is read is not restored', async () => {
    workspace.fill(6);
    const lib = await library();
    await lib.start();
    const file = join(workspace.root, 'src/part0/module0.ts');
    const half = lib.setUnsaved(file, 'export const halfword = 1;\n');
    writeFileSync(file, 'export const savedword = 1;\n');
    await Promise.all([half, lib.setUnsaved(file, null), lib.applyChanges([{ file, type: 'changed' }])]);
    expect(await paths(lib, 'savedword')).toEqual(['src/part0/module0.ts']);
    expect(await paths(lib, 'halfword')).toEqual([]);
    await Promise.all([
      lib.setUnsaved(file, 'export const firstword = 1;\n'),
      lib.setUnsaved(file, 'export const secondword = 1;\n'),
    ]);
    expect(await paths(lib, 'secondword')).toEqual(['src/part0/module0.ts']);
    expect(await paths(lib, 'firstword')).toEqual([]);
  });

  it('and saved files reported just before a question are found by it', async () => {
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

  it('keeps its place when a folder is added to the workspace', async () => {
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
  it('finds the definitions and the users of a name', async () => {
    workspace.put('a.ts', '/** Retries. */\nexport class RetryPolicy {\n  run() {}\n}\n');
    workspace.put(
      'b.ts',
      "import { RetryPolicy } from './a';\n\nexport function connect() {\n  return new RetryPolicy();\n}\n// RetryPolicyOther and myRetryPolicy are not it\n",
    );
    workspace.put('c.py', 'class Retry_Policy:\n    pass\n');
    const lib = await library();
    await lib.start();
    const definitions = await lib.definitions('RetryPolicy');
    expect(definitions.map(({ path, symbol }) => [path, symbol.kind, symbol.startLine, symbol.doc])).toEqual([
      ['a.ts', 'class', 2, 'Retries.'],
    ]);
    const { users, more } = await lib.users('RetryPolicy', { limit: 1 });
    expect(users.map(({ span, label }) => [span.path, span.startLine, label])).toEqual([['b.ts', 1, 'b.ts']]);
    expect(more).toBe(1);
    expect((await lib.users('RetryPolicy', { limit: 10 })).users.map(({ label }) => label)).toEqual([
      'b.ts',
      'connect',
    ]);
    expect(await lib.definitions('the')).toEqual([]);
    expect(await lib.users('constructor(', { limit: 3 })).toEqual({ users: [], more: 0 });
  });

  it('finds a name that ends in a mark, as in Ruby', async () => {
    workspace.put('a.rb', 'class Reactor\n  def wakeup!\n    @io\n  end\nend\n');
    workspace.put('b.rb', 'def stop\n  @reactor.wakeup!\nend\n');
    const lib = await library();
    await lib.start();
    expect((await lib.definitions('wakeup!')).map(({ path }) => path)).toEqual(['a.rb']);
    expect(
      (await lib.users('wakeup!', { limit: 10 })).users.map(({ span, label }) => [span.path, span.startLine, label]),
    ).toEqual([['b.rb', 2, 'stop']]);
  });
});

describe('folders and settings', () => {
  it('may change while the workspace is open', async () => {
    workspace.fill(8);
    workspace.put('other/x.ts', 'export const otherfolder = 1;\n');
    const lib = await library({ folders: [{ name: 'src', directory: join(workspace.root, 'src') }] });
    await lib.start();
    expect(await paths(lib, 'otherfolder')).toEqual([]);
    await lib.setFolders([
      { name: 'src', directory: join(workspace.root, 'src') },
      { name: 'other', directory: join(workspace.root, 'other') },
    ]);
    expect(await paths(lib, 'otherfolder')).toEqual(['other/x.ts']);
    expect(await paths(lib, word(0))).toEqual(['src/part0/module0.ts']);
    await lib.setSettings({ ...SETTINGS, filesExclude: ['**/*.ts'] });
    expect(await paths(lib, 'otherfolder')).toEqual([]);
    expect(lib.coverage().filesIndexed).toBe(5);
  });

  it('after a clear are indexed by a pass, not one by one', async () => {
    workspace.fill(8);
    const lib = await library();
    await lib.start();
    await lib.clear();
    await lib.applyChanges([{ file: workspace.put('src/part1/module1.py', 'changed = 1\n'), type: 'changed' }]);
    expect(lib.coverage()).toMatchObject({ filesIndexed: 0 });
    await lib.start();
    expect(lib.coverage()).toMatchObject({ filesIndexed: 8 });
  });

  it('are removed by clear, and indexed again by rebuild', async () => {
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
