import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { LexicalIndex } from '../lexical/lexical-index';
import { Catalogue } from './catalogue';
import { toStoreError } from './errors';
import { StoreLock } from './lock';
import { makeDirectory } from '../../base/node';

/** The opened store of a workspace. */
export interface OpenStore {
  catalogue: Catalogue;
  lexical: LexicalIndex;
  /** Undefined when the index lives in memory only. */
  lock: StoreLock | undefined;
  /** Problems found, as messages for the user. */
  notices: readonly string[];
}

/**
 * Opens the store of a workspace. Damaged or outdated parts are dropped, and the next pass rebuilds them. An unusable
 * store (read-only disk, every slot taken) gives an index in memory, and a notice.
 */
export async function openStore(storageDirectory: string | undefined): Promise<OpenStore> {
  const notices: string[] = [];
  const lock = takeLock(storageDirectory, notices);
  if (!lock) return { catalogue: Catalogue.inMemory(), lexical: LexicalIndex.inMemory(), lock, notices };
  try {
    const catalogue = Catalogue.open(lock.directory);
    const lexicalDirectory = join(lock.directory, 'lexical');
    if (catalogue.rebuilt !== undefined) {
      // Postings are meaningless without their catalogue.
      notices.push(`Rebuilding the index: ${catalogue.rebuilt}.`);
      rmSync(lexicalDirectory, { recursive: true, force: true });
    } else if (catalogue.damagedBytes > 0) {
      notices.push(`${catalogue.damagedBytes} bytes of the index were damaged. Their files are indexed again.`);
    }
    makeDirectory(lexicalDirectory);
    const { index: lexical, damaged } = await LexicalIndex.open(lexicalDirectory);
    for (const { reason } of damaged) notices.push(`Rebuilding a damaged part of the index: ${reason}`);
    if (lock.slot > 0) notices.push('Another window has this workspace open, so this window keeps its own index.');
    return { catalogue, lexical, lock, notices };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function takeLock(storageDirectory: string | undefined, notices: string[]): StoreLock | undefined {
  if (storageDirectory === undefined) return undefined;
  try {
    const lock = StoreLock.take(storageDirectory);
    if (!lock)
      notices.push('Too many windows have this workspace open, so this window keeps its index in memory only.');
    return lock;
  } catch (error) {
    notices.push(toStoreError(error, storageDirectory).message);
    return undefined;
  }
}
