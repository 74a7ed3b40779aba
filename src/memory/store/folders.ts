import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreLock } from '../../workspace';

/** Time (ms) without use after which the memories of another model or version are removed. */
const UNUSED_MS = 30 * 24 * 3_600_000;
const FOLDER = /^[0-9a-f]{16}$/;

/**
 * Where the memories of a version are kept. Each model and format has its own folder, so that a model that is chosen
 * again finds its memories.
 */
export function memoryFolder(storageDirectory: string, version: string): string {
  return join(root(storageDirectory), createHash('sha256').update(version).digest('hex').slice(0, 16));
}

const root = (storageDirectory: string): string => join(storageDirectory, 'memories');

/** The folders of all versions. */
export async function memoryFolders(storageDirectory: string): Promise<string[]> {
  const names = await readdir(root(storageDirectory)).catch(() => []);
  return names
    .filter((name) => FOLDER.test(name))
    .sort()
    .map((name) => join(root(storageDirectory), name));
}

/** Removes memories of other versions that no process has used for a month. Never rejects. */
export async function removeUnusedMemories(storageDirectory: string, keep: string): Promise<void> {
  for (const folder of await memoryFolders(storageDirectory)) {
    const used = await stat(join(folder, 'version')).catch(() => undefined);
    if (folder === keep || (used && used.mtimeMs > Date.now() - UNUSED_MS)) continue;
    try {
      const lock = StoreLock.takeFile(`${folder}.lock`);
      if (!lock) continue;
      await rm(folder, { recursive: true, force: true }).finally(() => lock.release());
    } catch {
      // A read-only or failing disk; the next opening tries again.
    }
  }
}
