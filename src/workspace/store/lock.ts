import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../../base/node';

/**
 * The right to write a store. A lock contains its owner's process id and is touched at intervals. It is stale when that
 * process is gone, or when it was not touched for long (another process reuses the id).
 */

const TOUCH_MS = 15_000;
const STALE_MS = 5 * 60_000;
const EMPTY_MS = 2_000;

interface LockText {
  pid: number;
  token: string;
  /** Time (ms since 1970) when the lock was taken; 0 in the locks of earlier versions. */
  since: number;
}

export class StoreLock {
  private readonly token = randomUUID();
  private timer: NodeJS.Timeout | undefined;

  private constructor(
    readonly file: string,
    /** The directory of the lock. */
    readonly directory: string,
  ) {}

  /**
   * Takes the lock of one file. Returns undefined while another process, or another part of this one, has it.
   * @throws when it cannot be written
   */
  static takeFile(file: string): StoreLock | undefined {
    const lock = new StoreLock(file, dirname(file));
    return lock.acquire() ? lock : undefined;
  }

  /** The process that has the lock; undefined when it is free. */
  static owner(file: string): { pid: number; since: number } | undefined {
    const found = readLock(file);
    return typeof found !== 'object' || !isAlive(found.pid) ? undefined : { pid: found.pid, since: found.since };
  }

  private acquire(): boolean {
    for (let attempt = 0; attempt < 3; attempt++) {
      makeDirectory(this.directory);
      try {
        this.write();
        this.timer = setInterval(() => this.touch(), TOUCH_MS);
        this.timer.unref();
        return true;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        // Another process has removed the directory since.
        if (code === 'ENOENT' && attempt < 2) continue;
        if (code !== 'EEXIST') throw error;
        if (!this.evictStale()) return false;
      }
    }
    return false;
  }

  /** Creates the file. On a full disk it would stay empty, and other processes would wait for its owner. */
  private write(): void {
    const handle = openSync(this.file, 'wx');
    try {
      writeSync(handle, JSON.stringify({ pid: process.pid, token: this.token, since: Date.now() } satisfies LockText));
    } catch (error) {
      rmSync(this.file, { force: true });
      throw error;
    } finally {
      closeSync(handle);
    }
  }

  /** Moves a stale lock out of the way. Renaming lets only one of several contenders win. */
  private evictStale(): boolean {
    const found = readLock(this.file);
    if (found === 'gone') return true;
    if (found === 'unreadable') return false;
    if (found && isAlive(found.pid) && !this.isOlderThan(STALE_MS)) return false;
    // Another process may be about to write the file it has just created.
    if (!found && !this.isOlderThan(EMPTY_MS)) return false;
    const aside = join(dirname(this.file), `lock.${this.token}.stale`);
    try {
      renameSync(this.file, aside);
      const moved = readLock(aside);
      if (moved !== 'gone' && moved !== 'unreadable' && moved?.token !== found?.token) {
        // Another contender took it meanwhile: restore it.
        renameSync(aside, this.file);
        return false;
      }
      rmSync(aside, { force: true });
      return true;
    } catch {
      return true;
    }
  }

  private isOlderThan(age: number): boolean {
    try {
      return Date.now() - statSync(this.file).mtimeMs > age;
    } catch {
      return true;
    }
  }

  /**
   * Refreshes the lock. Returns false when another process took the slot while this one was suspended; nothing may be
   * written afterwards.
   */
  touch(): boolean {
    const found = readLock(this.file);
    // A failing disk says nothing about the owner.
    if (found === 'unreadable') return true;
    if (found === 'gone' || found?.token !== this.token) {
      clearInterval(this.timer);
      return false;
    }
    try {
      utimesSync(this.file, new Date(), new Date());
    } catch {
      // The disk is full or read-only. The process id still marks the lock as ours.
    }
    return true;
  }

  release(): void {
    clearInterval(this.timer);
    const found = readLock(this.file);
    if (found === 'gone' || (found !== 'unreadable' && found?.token !== this.token)) return;
    try {
      rmSync(this.file, { force: true });
    } catch {
      // The lock is stale as soon as this process has ended.
    }
  }
}

/** Undefined where the text is not that of a lock. */
function readLock(file: string): LockText | undefined | 'gone' | 'unreadable' {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : 'unreadable';
  }
  try {
    const { pid, token, since = 0 } = JSON.parse(text) as Partial<LockText>;
    return typeof pid === 'number' && typeof token === 'string' ? { pid, token, since } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
