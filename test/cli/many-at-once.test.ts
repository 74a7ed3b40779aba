/** Several processes on one workspace: one index, one writer; the others wait for it or read what it has written. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { indexFolder } from '../../src/workspace/store/folders';
import { Terminal } from '../faults/terminal';
import { WorkerUnderTest } from '../worker/harness';

const FILES = 240;
let terminal: Terminal;
beforeAll(() => {
  terminal = new Terminal();
  terminal.writeFiles(
    Object.fromEntries(
      Array.from({ length: FILES }, (_, i) => [
        `src/part${i % 9}/module${i}.py`,
        `class Module${i}:\n    """Keeps zzpart${i % 40} of the whole."""\n\n    def run(self):\n        return ${i}\n`,
      ]),
    ),
  );
});
afterAll(() => terminal.dispose());
beforeEach(() => rmSync(terminal.storage, { recursive: true, force: true }));

const indexes = (): string[] => readdirSync(terminal.storage).filter((name) => name.startsWith('index-'));

describe('eight commands at once', { timeout: 180_000 }, () => {
  it('make one index, and all of them answer from it', async () => {
    const commands = Array.from({ length: 8 }, () => terminal.start(['search', 'zzpart7', '--json']));
    const ended = await Promise.all(commands.map((command) => command.ended));
    const alone = terminal.run(['search', 'zzpart7', '--json']);
    for (const { status, stdout } of ended) {
      expect(status).toBe(0);
      expect(stdout).toBe(alone.stdout);
    }
    expect(alone.stdout).toContain('module7.py');
    expect(indexes()).toHaveLength(1);
    expect(existsSync(join(indexFolder(terminal.storage), 'lock'))).toBe(false);
  });

  it('wait for the first index: none of them indexes beside another', async () => {
    // The lock of a living process that has stored nothing yet.
    const lock = join(indexFolder(terminal.storage), 'lock');
    mkdirSync(indexFolder(terminal.storage), { recursive: true });
    writeFileSync(lock, JSON.stringify({ pid: process.pid, token: 'theirs', since: Date.now() }));
    const waiting = terminal.start(['search', 'zzpart7']);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(readdirSync(indexFolder(terminal.storage))).toEqual(['lock']);
    rmSync(lock);
    const { status, stdout, stderr } = await waiting.ended;
    expect(stderr).toContain(`Another process (${process.pid}) is indexing this workspace. Waiting for it.`);
    expect(stdout).toContain('module7.py');
    expect(status).toBe(0);
  });
});

describe('a command beside a window', { timeout: 180_000 }, () => {
  it('reads the index of the window, with its own changes on top, and writes nothing', async () => {
    const worker = new WorkerUnderTest(terminal.bundle);
    await worker.initialize({
      folders: [{ name: 'work', directory: terminal.work }],
      storageDirectory: terminal.storage,
    });
    try {
      await worker.indexed();
      // The window writes its index a moment after it is up to date.
      while (!existsSync(join(indexFolder(terminal.storage), 'complete')))
        await new Promise((resolve) => setTimeout(resolve, 20));
      const log = join(indexFolder(terminal.storage), 'documents.log');
      const before = readFileSync(log);
      expect(terminal.run(['search', 'zzpart7']).stdout).toContain('module7.py');
      const told = terminal.run(['index']);
      expect(told.stderr).toContain(`Another process (${worker.child.pid}) writes the index.`);
      expect(told.stdout).toContain(`${FILES} files`);
      expect(terminal.run(['status']).stdout).toContain(`${FILES} of ${FILES} files`);
      const cleared = terminal.run(['index', '--rebuild']);
      expect(cleared.stderr).toContain('cannot be cleared while another process');
      expect(cleared.status).toBe(1);
      expect(readFileSync(log).equals(before)).toBe(true);
      expect(indexes()).toHaveLength(1);
    } finally {
      await worker.end();
    }
  });
});

describe('folders of indexes', { timeout: 180_000 }, () => {
  /** A folder as another process has left it. */
  function leave(name: string, { age = 0, lock }: { age?: number; lock?: number } = {}): string {
    const folder = join(terminal.storage, name);
    mkdirSync(folder, { recursive: true });
    const log = join(folder, 'documents.log');
    writeFileSync(log, 'what another version wrote');
    const then = new Date(Date.now() - age);
    utimesSync(log, then, then);
    if (lock !== undefined) writeFileSync(join(folder, 'lock'), JSON.stringify({ pid: lock, token: 'theirs' }));
    return folder;
  }
  const MONTH = 31 * 24 * 3_600_000;

  it('that nobody uses are removed; those of other versions are kept for a month', () => {
    const copy = leave(`${indexFolder('', 1)}`);
    const inUse = leave(`${indexFolder('', 2)}`, { lock: process.pid });
    const halfRemoved = leave(`${indexFolder('', 3)}.removed-123`);
    const other = leave('index-0');
    const later = leave('index-0123abcd-0');
    const old = leave('index-89abcdef-0', { age: MONTH });
    expect(terminal.run(['index']).status).toBe(0);
    expect([copy, halfRemoved, old].map(existsSync)).toEqual([false, false, false]);
    expect([inUse, other, later].map(existsSync)).toEqual([true, true, true]);
    expect(readFileSync(join(other, 'documents.log'), 'utf8')).toBe('what another version wrote');
    // A user who rebuilds wants the space back.
    expect(terminal.run(['index', '--rebuild']).status).toBe(0);
    expect([inUse, other, later].map(existsSync)).toEqual([true, false, false]);
  });
});
