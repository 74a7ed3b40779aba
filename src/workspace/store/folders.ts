import { createHash } from 'node:crypto';
import { readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MAGIC } from '../lexical/pack-file';
import { CATALOGUE_VERSION, LOG_FILE } from './catalogue';
import { StoreLock } from './lock';

/**
 * Folders of indexes below a storage directory: `index-VERSION-SLOT`. Each version of the formats has its own, so that
 * two versions of Anchorage use the same workspace side by side, and an update that is taken back finds its index.
 */

/** Hash of the formats of this version. */
const VERSION = createHash('sha256').update(`${CATALOGUE_VERSION} ${MAGIC}`).digest('hex').slice(0, 8);
/** Folders of every version; the earliest had no version in their names. */
const FOLDER = /^index-(?:[0-9a-f]{8}-)?\d+$/;
/** Folders that are being removed. */
const REMOVED = /^index-[0-9a-f-]+\.removed-/;
/** Time (ms) without use after which the index of another version is removed. */
const UNUSED_MS = 30 * 24 * 3_600_000;

export function indexFolder(storageDirectory: string, slot = 0): string {
  return join(storageDirectory, `index-${VERSION}-${slot}`);
}

/** All folders of indexes, those of other versions included. */
export function indexFolders(storageDirectory: string): string[] {
  return names(storageDirectory)
    .filter((name) => FOLDER.test(name))
    .sort()
    .map((name) => join(storageDirectory, name));
}

/**
 * Removes the folders that no process uses any more: second copies, and indexes of versions unused for a month. Called
 * by the process that owns the first folder. Never throws: what cannot be removed is tried again the next time.
 *
 * @param everything also the indexes of other versions that were used lately
 */
export function removeLeftOvers(storageDirectory: string, everything = false): void {
  const own = indexFolder(storageDirectory);
  for (const name of names(storageDirectory))
    if (REMOVED.test(name)) attempt(() => rmSync(join(storageDirectory, name), { recursive: true, force: true }));
  for (const folder of indexFolders(storageDirectory)) {
    if (folder === own) continue;
    const copy = folder.startsWith(own.slice(0, -1));
    if (copy || everything || lastUse(folder) < Date.now() - UNUSED_MS) attempt(() => removeUnlocked(folder));
  }
}

/** Renaming first lets a process that is about to take the folder make a new one. */
function removeUnlocked(folder: string): void {
  const lock = StoreLock.takeFile(join(folder, 'lock'));
  if (!lock) return;
  const aside = `${folder}.removed-${process.pid}`;
  try {
    renameSync(folder, aside);
  } finally {
    lock.release();
  }
  rmSync(aside, { recursive: true, force: true });
}

function lastUse(folder: string): number {
  try {
    return statSync(join(folder, LOG_FILE)).mtimeMs;
  } catch {
    return 0;
  }
}

function names(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // Another process may be quicker, or the disk is read-only.
  }
}
