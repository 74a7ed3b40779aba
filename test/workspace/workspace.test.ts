import { renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Grammars } from '../../src/workspace/segments/syntax/parser';
import { library, opened, paths, workspace } from './opened-workspace';
import { word } from './files';
import { searchOver } from './search-over';

describe('a first pass', () => {
  it('indexes every file in threads, and reports the result', async () => {
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

  it('answers from the index so far while it runs, and reports the coverage', async () => {
    workspace.fill(60);
    const lib = await library({ threads: 0 });
    let seen: { filesIndexed: number; indexing: boolean } | undefined;
    lib.onStatus(({ state, filesIndexed }) => {
      if (state === 'indexing' && filesIndexed > 0 && !seen) seen = lib.coverage();
    });
    lib.setFirst([join(workspace.root, 'src/part5/module54.ts')]);
    const pass = lib.start();
    while (lib.coverage().filesIndexed === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const { spans, coverage } = await searchOver(lib).search(word(54), { scope: { kind: 'workspace' }, limit: 5 });
    expect(coverage.indexing).toBe(true);
    expect(coverage.filesIndexed).toBeLessThan(60);
    expect(coverage.filesKnown).toBe(60);
    expect(spans[0]?.path).toBe('src/part5/module54.ts');
    await pass;
    expect(lib.coverage()).toEqual({ filesIndexed: 60, filesKnown: 60, indexing: false });
  });

  it('can be stopped, and resumes where it was', async () => {
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

  it('can be cancelled: indexed files stay searchable and current, and the rest waits until it resumes', async () => {
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
    // Changed rules need a pass, which runs when the user resumes.
    await lib.applyChanges([{ file: workspace.put('.gitignore', 'new.ts\n'), type: 'created' }]);
    expect(lib.status().state).toBe('cancelled');
    await lib.start();
    expect(await paths(lib, 'heldword')).toEqual([]);
    expect(lib.coverage()).toEqual({ filesIndexed: 91, filesKnown: 91, indexing: false });
    // Cancelling has no effect while no pass runs.
    await lib.cancel();
    expect(lib.status().state).toBe('ready');
  });

  it('can be cancelled while paused', async () => {
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

  it('can be paused and resumed; saved files are indexed meanwhile', async () => {
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
  it('reads no unchanged file, and finds the same results', async () => {
    workspace.fill(30);
    const first = await library();
    await first.start();
    await first.close();
    const log = join(workspace.storage, 'index-0', 'documents.log');
    const before = statSync(log);
    const second = await library();
    expect(second.notices).toEqual([]);
    // Before any pass, only the store answers.
    expect(await paths(second, word(11))).toEqual(['src/part4/module11.md']);
    await second.start();
    await second.close();
    expect(statSync(log).size).toBe(before.size);
    expect(statSync(log).mtimeMs).toBe(before.mtimeMs);
  });

  it('loads the grammars of its code while idle, and no others', async () => {
    workspace.put('a.py', 'x = 1\n');
    for (const name of ['b.c', 'c.cpp', 'd.h']) workspace.put(name, 'int x;\n');
    for (let i = 0; i < 9; i++)
      for (const type of ['json', 'md', 'yaml', 'txt', 'csv', 'html']) workspace.put(`notes/${i}.${type}`, `${i}\n`);
    await (await library()).start();
    await opened.pop()?.close();
    const load = vi.spyOn(Grammars.prototype, 'load');
    try {
      await (await library()).start();
      expect(load).not.toHaveBeenCalled();
      await vi.waitFor(() => expect(load.mock.calls.map(([{ name }]) => name)).toEqual(['cpp', 'python']), {
        timeout: 20_000,
      });
    } finally {
      load.mockRestore();
    }
  });

  it('detects changed, new and deleted files by time and size, then by content', async () => {
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
