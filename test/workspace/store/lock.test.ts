import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StoreLock } from '../../../src/workspace/store/lock';
import { FaultyFiles } from '../../faults/faulty-files';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-lock-'));
  file = join(directory, 'store', 'lock');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Takes the lock and gives it back. Returns whether it was free. */
function isFree(): boolean {
  const lock = StoreLock.takeFile(file);
  lock?.release();
  return lock !== undefined;
}

describe('the lock', () => {
  it('has one owner, and is free again when it gives it back', () => {
    const lock = StoreLock.takeFile(file);
    expect(lock).toBeDefined();
    expect(StoreLock.owner(file)).toMatchObject({ pid: process.pid });
    expect(isFree()).toBe(false);
    lock?.release();
    expect(existsSync(file)).toBe(false);
    expect(StoreLock.owner(file)).toBeUndefined();
    expect(isFree()).toBe(true);
  });

  it('is taken over from a killed process', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    const { pid } = child;
    await new Promise((resolve) => child.on('exit', resolve));
    expect(isFree()).toBe(true);
    writeFileSync(file, JSON.stringify({ pid, token: 'theirs' }));
    expect(StoreLock.owner(file)).toBeUndefined();
    expect(isFree()).toBe(true);
  });

  it('is respected for a living process until long untouched: then another process reused the id', () => {
    expect(isFree()).toBe(true);
    writeFileSync(file, JSON.stringify({ pid: process.ppid, token: 'theirs' }));
    expect(isFree()).toBe(false);
    const old = new Date(Date.now() - 10 * 60_000);
    utimesSync(file, old, old);
    expect(isFree()).toBe(true);
  });

  it('with an incomplete file counts only while a process may be writing it', () => {
    expect(isFree()).toBe(true);
    writeFileSync(file, '');
    expect(isFree()).toBe(false);
    const old = new Date(Date.now() - 10_000);
    utimesSync(file, old, old);
    expect(isFree()).toBe(true);
  });

  it('that cannot be written leaves no empty file, for whose owner others would wait', () => {
    expect(isFree()).toBe(true);
    const faults = new FaultyFiles(directory).install();
    try {
      StoreLock.takeFile(file)?.release();
      faults.arm({ at: 0, code: '' });
      const lock = StoreLock.takeFile(file);
      const { calls } = faults;
      lock?.release();
      for (let at = 1; at <= calls; at++) {
        faults.arm({ at, code: 'ENOSPC', sticky: true });
        let taken: StoreLock | undefined;
        try {
          taken = StoreLock.takeFile(file);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ENOSPC' });
        }
        faults.disarm();
        taken?.release();
        expect(existsSync(file), `call ${at}`).toBe(false);
      }
    } finally {
      faults.uninstall();
    }
  });

  it('is kept while the disk cannot be read', () => {
    const lock = StoreLock.takeFile(file);
    const faults = new FaultyFiles(directory).install();
    try {
      faults.arm({ at: 1, code: 'EIO' });
      expect(lock?.touch()).toBe(true);
      faults.arm({ at: 1, code: 'EIO' });
      expect(StoreLock.owner(file)).toBeUndefined();
      faults.arm({ at: 1, code: 'EIO' });
      lock?.release();
    } finally {
      faults.uninstall();
    }
    expect(existsSync(file)).toBe(false);
  });

  it('detects its loss, and then leaves the new owner alone', () => {
    const lock = StoreLock.takeFile(file);
    expect(lock?.touch()).toBe(true);
    writeFileSync(file, JSON.stringify({ pid: process.ppid, token: 'theirs' }));
    expect(lock?.touch()).toBe(false);
    lock?.release();
    expect(existsSync(file)).toBe(true);
  });
});
