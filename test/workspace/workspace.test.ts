import { renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Grammars } from '../../src/workspace/segments/syntax/parser';
import { openWorkspace, opened, paths, disk } from './opened-workspace';
import { indexFolder } from '../../src/workspace/store/folders';
import { word } from './files';
import { searchOver } from './search-over';

describe('a first pass', () => {
  it('indexes every file in threads, and reports the result', async () => {
    disk.fill(40);
    disk.put('logo.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0]));
    disk.put('data.bin2', 'a\0b');
    disk.put('latin.ts', Buffer.from('// caf\xe9 latinword\n', 'latin1'));
    const workspace = await openWorkspace();
    const progress: number[] = [];
    const states = new Set<string>();
    workspace.onStatus((status) => {
      progress.push(status.progress);
      states.add(status.state);
    });
    await workspace.start();
    const status = workspace.status();
    expect(status).toMatchObject({ state: 'ready', reason: 'Up to date', filesIndexed: 41, progress: 1, problems: [] });
    expect(status.skipped).toEqual([{ reason: 'binary', files: 2 }]);
    expect(status.segments).toBeGreaterThan(40);
    expect(status.storeBytes).toBeGreaterThan(0);
    expect([...states]).toEqual(['walking', 'indexing', 'ready']);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect(await paths(workspace, word(7))).toEqual(['src/part0/module7.py']);
    expect(await paths(workspace, 'latinword')).toEqual(['latin.ts']);
    expect((await workspace.why(join(disk.root, 'latin.ts'))).reason).toContain('windows-1252');
    expect(workspace.coverage()).toEqual({ filesIndexed: 41, filesKnown: 42, indexing: false });
  });

  it('answers from the index so far while it runs, and reports the coverage', async () => {
    disk.fill(240);
    const workspace = await openWorkspace({ threads: 0 });
    let seen: { filesIndexed: number; indexing: boolean } | undefined;
    workspace.onStatus(({ state, filesIndexed }) => {
      if (state === 'indexing' && filesIndexed > 0 && !seen) seen = workspace.coverage();
    });
    workspace.setFirst([join(disk.root, 'src/part5/module54.ts')]);
    const pass = workspace.start();
    while (workspace.coverage().filesIndexed === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const { spans, coverage } = await searchOver(workspace).search(word(54), {
      scope: { kind: 'workspace' },
      limit: 5,
    });
    expect(coverage.indexing).toBe(true);
    expect(coverage.filesIndexed).toBeLessThan(240);
    expect(coverage.filesKnown).toBe(240);
    expect(spans[0]?.path).toBe('src/part5/module54.ts');
    await pass;
    expect(workspace.coverage()).toEqual({ filesIndexed: 240, filesKnown: 240, indexing: false });
  });

  it('can be stopped, and resumes where it was', async () => {
    disk.fill(90);
    const workspace = await openWorkspace({ threads: 0 });
    const abort = new AbortController();
    const pass = workspace.start(abort.signal);
    while (workspace.coverage().filesIndexed < 10) await new Promise((resolve) => setTimeout(resolve, 2));
    abort.abort();
    await pass;
    expect(workspace.status()).toMatchObject({ state: 'idle', reason: 'Stopped' });
    const stopped = workspace.coverage().filesIndexed;
    expect(stopped).toBeLessThan(90);
    await workspace.start();
    expect(workspace.coverage().filesIndexed).toBe(90);
  });

  it('can be cancelled: indexed files stay searchable and current, and the rest waits until it resumes', async () => {
    disk.fill(90);
    const workspace = await openWorkspace({ threads: 0 });
    const pass = workspace.start();
    while (workspace.coverage().filesIndexed < 10) await new Promise((resolve) => setTimeout(resolve, 2));
    await workspace.cancel();
    await pass;
    const { filesIndexed } = workspace.coverage();
    expect(filesIndexed).toBeLessThan(90);
    expect(workspace.status()).toMatchObject({ state: 'cancelled', filesKnown: 90 });
    expect(workspace.coverage()).toEqual({ filesIndexed, filesKnown: 90, indexing: false, held: 'cancelled' });
    const file = disk.put('new.ts', 'export const heldword = 1;\n');
    await workspace.applyChanges([{ file, type: 'created' }]);
    expect(await paths(workspace, 'heldword')).toEqual(['new.ts']);
    // Changed rules need a pass, which runs when the user resumes.
    await workspace.applyChanges([{ file: disk.put('.gitignore', 'new.ts\n'), type: 'created' }]);
    expect(workspace.status().state).toBe('cancelled');
    await workspace.start();
    expect(await paths(workspace, 'heldword')).toEqual([]);
    expect(workspace.coverage()).toEqual({ filesIndexed: 91, filesKnown: 91, indexing: false });
    // Cancelling has no effect while no pass runs.
    await workspace.cancel();
    expect(workspace.status().state).toBe('ready');
  });

  it('can be cancelled while paused', async () => {
    disk.fill(60);
    const workspace = await openWorkspace({ threads: 0 });
    workspace.pause(true);
    const pass = workspace.start();
    while (workspace.status().state !== 'paused') await new Promise((resolve) => setTimeout(resolve, 5));
    await workspace.cancel();
    await pass;
    expect(workspace.status().state).toBe('cancelled');
    await workspace.start();
    expect(workspace.coverage().filesIndexed).toBe(60);
  });

  it('can be paused and resumed; saved files are indexed meanwhile', async () => {
    disk.fill(60);
    const workspace = await openWorkspace({ threads: 0 });
    workspace.pause(true);
    const pass = workspace.start();
    while (workspace.status().state !== 'paused') await new Promise((resolve) => setTimeout(resolve, 5));
    const held = workspace.coverage().filesIndexed;
    const file = disk.put('new.ts', 'export const heldword = 1;\n');
    await workspace.applyChanges([{ file, type: 'created' }]);
    expect(await paths(workspace, 'heldword')).toEqual(['new.ts']);
    expect(workspace.coverage().filesIndexed).toBeLessThanOrEqual(held + 1);
    workspace.pause(false);
    await pass;
    expect(workspace.coverage().filesIndexed).toBe(61);
  });
});

describe('a restart', () => {
  it('reads no unchanged file, and finds the same results', async () => {
    disk.fill(30);
    const first = await openWorkspace();
    await first.start();
    await first.close();
    const log = join(indexFolder(disk.storage), 'documents.log');
    const before = statSync(log);
    const second = await openWorkspace();
    expect(second.notices).toEqual([]);
    // Before any pass, only the store answers.
    expect(await paths(second, word(11))).toEqual(['src/part4/module11.md']);
    await second.start();
    await second.close();
    expect(statSync(log).size).toBe(before.size);
    expect(statSync(log).mtimeMs).toBe(before.mtimeMs);
  });

  it('loads the grammars of its code while idle, and no others', async () => {
    disk.put('a.py', 'x = 1\n');
    for (const name of ['b.c', 'c.cpp', 'd.h']) disk.put(name, 'int x;\n');
    for (let i = 0; i < 9; i++)
      for (const type of ['json', 'md', 'yaml', 'txt', 'csv', 'html']) disk.put(`notes/${i}.${type}`, `${i}\n`);
    await (await openWorkspace()).start();
    await opened.pop()?.close();
    const load = vi.spyOn(Grammars.prototype, 'load');
    try {
      await (await openWorkspace()).start();
      expect(load).not.toHaveBeenCalled();
      await vi.waitFor(() => expect(load.mock.calls.map(([{ name }]) => name)).toEqual(['cpp', 'python']), {
        timeout: 20_000,
      });
    } finally {
      load.mockRestore();
    }
  });

  it('detects changed, new and deleted files by time and size, then by content', async () => {
    disk.fill(12);
    const first = await openWorkspace();
    await first.start();
    await first.close();
    const touched = join(disk.root, 'src/part0/module0.ts');
    utimesSync(touched, new Date(), new Date());
    disk.put('src/part1/module1.py', 'def changedword():\n    return 1\n');
    rmSync(join(disk.root, 'src/part2/module2.md'));
    renameSync(join(disk.root, 'src/part3'), join(disk.root, 'src/moved'));
    const second = await openWorkspace();
    await second.start();
    expect(await paths(second, 'changedword')).toEqual(['src/part1/module1.py']);
    expect(await paths(second, word(1))).toEqual([]);
    expect(await paths(second, word(2))).toEqual([]);
    expect(await paths(second, word(3))).toEqual(['src/moved/module3.ts']);
    expect(await paths(second, word(0))).toEqual(['src/part0/module0.ts']);
    expect(second.coverage().filesIndexed).toBe(11);
  });
});
