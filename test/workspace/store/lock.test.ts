import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MAX_SLOTS, StoreLock } from '../../../src/workspace/store/lock';

let storage: string;
beforeEach(() => {
  storage = mkdtempSync(join(tmpdir(), 'anchorage-lock-'));
});
afterEach(() => rmSync(storage, { recursive: true, force: true }));

describe('the lock', () => {
  it('gives each window its own slot, and a freed slot to the next', () => {
    const locks = Array.from({ length: MAX_SLOTS }, () => StoreLock.take(storage));
    expect(locks.map((lock) => lock?.slot)).toEqual([0, 1, 2, 3]);
    expect(StoreLock.take(storage)).toBeUndefined();
    locks[1]?.release();
    const again = StoreLock.take(storage);
    expect(again?.slot).toBe(1);
    for (const lock of [...locks, again]) lock?.release();
    expect(existsSync(join(storage, 'index-0', 'lock'))).toBe(false);
  });

  it('is taken over from a killed process', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    const pid = child.pid;
    await new Promise((resolve) => child.on('exit', resolve));
    StoreLock.take(storage)?.release();
    writeFileSync(join(storage, 'index-0', 'lock'), JSON.stringify({ pid, token: 'theirs' }));
    const lock = StoreLock.take(storage);
    expect(lock?.slot).toBe(0);
    lock?.release();
  });

  it('is respected for a living process until long untouched: then another process reused the id', () => {
    StoreLock.take(storage)?.release();
    const file = join(storage, 'index-0', 'lock');
    writeFileSync(file, JSON.stringify({ pid: process.ppid, token: 'theirs' }));
    const second = StoreLock.take(storage);
    expect(second?.slot).toBe(1);
    const old = new Date(Date.now() - 10 * 60_000);
    utimesSync(file, old, old);
    const first = StoreLock.take(storage);
    expect(first?.slot).toBe(0);
    first?.release();
    second?.release();
  });

  it('with an incomplete file counts only while a process may be writing it', () => {
    StoreLock.take(storage)?.release();
    const file = join(storage, 'index-0', 'lock');
    writeFileSync(file, '');
    expect(StoreLock.take(storage)?.slot).toBe(1);
    const old = new Date(Date.now() - 10_000);
    utimesSync(file, old, old);
    const lock = StoreLock.take(storage);
    expect(lock?.slot).toBe(0);
    lock?.release();
  });

  it('detects its loss, and then leaves the new owner alone', () => {
    const lock = StoreLock.take(storage);
    expect(lock?.touch()).toBe(true);
    writeFileSync(lock?.file ?? '', JSON.stringify({ pid: process.ppid, token: 'theirs' }));
    expect(lock?.touch()).toBe(false);
    lock?.release();
    expect(existsSync(lock?.file ?? '')).toBe(true);
  });
});
