import { randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../../base/node';

/**
 * The right to write a store. Each window has a slot under the storage directory: the first takes `0`, a second window
 * on the same folder takes `1`, and so on. Stores never mix, and every window indexes independently. Only a second
 * window on the same folder needs a second copy on disk. A lock contains its owner's process id and is touched at
 * intervals. It is stale when that process is gone, or when it was not touched for long (another process reuses the
 * id).
 */

export const MAX_SLOTS = 4;
const TOUCH_MS = 15_000;
const STALE_MS = 5 * 60_000;
const EMPTY_MS = 2_000;

interface LockText {
  pid: number;
  token: string;
}

export class StoreLock {
  private readonly token = randomUUID();
  private timer: NodeJS.Timeout | undefined;

  private constructor(
    readonly file: string,
    /** 0 for the first window of a folder. */
    readonly slot: number,
    /** The store's own directory. */
    readonly directory: string,
  ) {}

  /**
   * Takes the first free slot. Returns undefined when all are taken; the index then lives in memory.
   * @throws when the storage directory cannot be written
   */
  static take(storageDirectory: string): StoreLock | undefined {
    for (let slot = 0; slot < MAX_SLOTS; slot++) {
      const directory = join(storageDirectory, `index-${slot}`);
      makeDirectory(directory);
      const lock = new StoreLock(join(directory, 'lock'), slot, directory);
      if (lock.acquire()) return lock;
    }
    return undefined;
  }

  /**
   * Takes the lock of one file. Returns undefined while another process, or another part of this one, has it.
   * @throws when it cannot be written
   */
  static takeFile(file: string): StoreLock | undefined {
    makeDirectory(dirname(file));
    const lock = new StoreLock(file, 0, dirname(file));
    return lock.acquire() ? lock : undefined;
  }

  private acquire(): boolean {
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        writeFileSync(this.file, JSON.stringify({ pid: process.pid, token: this.token } satisfies LockText), {
          flag: 'wx',
        });
        this.timer = setInterval(() => this.touch(), TOUCH_MS);
        this.timer.unref();
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
        if (!this.evictStale()) return false;
      }
    }
    return false;
  }

  /** Moves a stale lock out of the way. Renaming lets only one of several contenders win. */
  private evictStale(): boolean {
    const found = readLock(this.file);
    if (found === 'gone') return true;
    if (found && isAlive(found.pid) && !this.isOlderThan(STALE_MS)) return false;
    // Another process may be about to write the file it has just created.
    if (!found && !this.isOlderThan(EMPTY_MS)) return false;
    const aside = join(dirname(this.file), `lock.${this.token}.stale`);
    try {
      renameSync(this.file, aside);
      const moved = readLock(aside);
      if (moved !== 'gone' && moved?.token !== found?.token) {
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
    if (found !== 'gone' && found?.token === this.token) rmSync(this.file, { force: true });
  }
}

function readLock(file: string): LockText | undefined | 'gone' {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<LockText>;
    return typeof value.pid === 'number' && typeof value.token === 'string'
      ? { pid: value.pid, token: value.token }
      : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : undefined;
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
