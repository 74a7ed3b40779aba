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
  /** Troubles found, in words for the user. */
  notices: readonly string[];
}

/**
 * Opens the store of a workspace. Damaged or outdated parts are dropped; the next pass makes them again. A store that
 * cannot be used at all (read-only disk, every slot taken) gives an index in memory, and a notice.
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
      notices.push(`The index is made anew: ${catalogue.rebuilt}.`);
      rmSync(lexicalDirectory, { recursive: true, force: true });
    } else if (catalogue.damagedBytes > 0) {
      notices.push(`${catalogue.damagedBytes} bytes of the index were damaged; their files are indexed again.`);
    }
    makeDirectory(lexicalDirectory);
    const { index: lexical, damaged } = await LexicalIndex.open(lexicalDirectory);
    for (const { reason } of damaged) notices.push(`A part of the index was damaged and is made again: ${reason}`);
    if (lock.slot > 0) notices.push('Another window has this workspace open: this one keeps an index of its own.');
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
    if (!lock) notices.push('This workspace is open in many windows: the index of this one is kept in memory only.');
    return lock;
  } catch (error) {
    notices.push(toStoreError(error, storageDirectory).message);
    return undefined;
  }
}
