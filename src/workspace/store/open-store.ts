import { rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeDirectory } from '../../base/node';
import { LexicalIndex } from '../lexical/lexical-index';
import { Catalogue, LOG_FILE } from './catalogue';
import { StoreError, toStoreError } from './errors';
import { indexFolder, removeLeftOvers } from './folders';
import { StoreLock } from './lock';

/**
 * How a process uses a store that another process writes.
 *
 * - `own`: keeps a second copy, because the process runs for hours (a window).
 * - `share`: reads what the other has stored, and keeps its own changes in memory. While the other indexes the
 *   workspace for the first time, it waits.
 * - `read`: like `share`, but never writes and never waits.
 */
export type StoreAccess = 'own' | 'share' | 'read';

export interface StoreOptions {
  access?: StoreAccess;
  /** Called once with the other process's id when the wait for it has lasted a second. */
  onWait?: (pid: number) => void;
  /** Longest wait (ms) without progress of the other process. */
  patience?: number;
}

/** The opened store of a workspace. */
export interface OpenStore {
  storageDirectory?: string;
  catalogue: Catalogue;
  lexical: LexicalIndex;
  /** The store's folder; undefined when the index lives in memory only. */
  directory?: string;
  /** Undefined when this process does not write. */
  lock: StoreLock | undefined;
  /** The process that writes the store, when this one only reads it; 0 when it has just ended. */
  sharedWith?: number;
  /** Problems found, as messages for the user. */
  notices: readonly string[];
}

/** Copies for windows on the same folders. */
export const MAX_SLOTS = 4;
/** Written when everything found in a first pass is stored. */
const COMPLETE = 'complete';
const POLL_MS = 100;
const QUIET_MS = 1_000;
/** Longer than the walk of a very large workspace, after which the writer stores every 128 files. */
const PATIENCE_MS = 60_000;
/** Enough for a writer that has been open for longer: it may be paused, or wait for the user's consent. */
const PATIENCE_WITH_OLD_MS = 5_000;

/**
 * Opens the store of a workspace. Damaged parts are dropped, and the next pass rebuilds them. An unusable store
 * (read-only disk, every slot taken) gives an index in memory, and a notice.
 */
export async function openStore(storageDirectory: string | undefined, options: StoreOptions = {}): Promise<OpenStore> {
  const { access = 'own' } = options;
  if (storageDirectory === undefined) return inMemory([]);
  let store: OpenStore;
  try {
    if (access === 'read') store = await openShared(indexFolder(storageDirectory));
    else store = await (access === 'own' ? openFirstFree(storageDirectory) : openOrShare(storageDirectory, options));
  } catch (error) {
    store = inMemory([toStoreError(error, storageDirectory).message]);
  }
  return { ...store, storageDirectory };
}

function inMemory(notices: readonly string[]): OpenStore {
  return { catalogue: Catalogue.inMemory(), lexical: LexicalIndex.inMemory(), lock: undefined, notices };
}

async function openFirstFree(storageDirectory: string): Promise<OpenStore> {
  for (let slot = 0; slot < MAX_SLOTS; slot++) {
    const lock = takeSlot(storageDirectory, slot);
    if (!lock) continue;
    const store = await openOwn(storageDirectory, lock);
    if (slot === 0) return store;
    const copied = 'Another window has this workspace open, so this window keeps its own index.';
    return { ...store, notices: [...store.notices, copied] };
  }
  return inMemory(['Too many windows have this workspace open, so this window keeps its index in memory only.']);
}

/** Becomes the writer of the store, or reads what another process has written. */
async function openOrShare(
  storageDirectory: string,
  { onWait, patience = PATIENCE_MS }: StoreOptions,
): Promise<OpenStore> {
  const directory = indexFolder(storageDirectory);
  const started = Date.now();
  let told = false;
  let seen = { progress: progressOf(directory), at: started };
  for (;;) {
    const lock = takeSlot(storageDirectory, 0);
    if (lock) return openOwn(storageDirectory, lock);
    const now = Date.now();
    const progress = progressOf(directory);
    if (progress !== seen.progress) seen = { progress, at: now };
    const owner = StoreLock.owner(join(directory, 'lock'));
    const works = seen.at > started || (owner !== undefined && now - owner.since < patience);
    const most = works ? patience : Math.min(patience, PATIENCE_WITH_OLD_MS);
    if (progressOf(directory, COMPLETE) !== '' || now - seen.at > most) return openShared(directory);
    if (!told && owner !== undefined && now - started > QUIET_MS) {
      told = true;
      onWait?.(owner.pid);
    }
    await sleep(POLL_MS);
  }
}

const takeSlot = (storageDirectory: string, slot: number): StoreLock | undefined =>
  StoreLock.takeFile(join(indexFolder(storageDirectory, slot), 'lock'));

async function openOwn(storageDirectory: string, lock: StoreLock): Promise<OpenStore> {
  const { directory } = lock;
  const notices: string[] = [];
  try {
    if (directory === indexFolder(storageDirectory)) removeLeftOvers(storageDirectory);
    const catalogue = Catalogue.open(directory);
    const lexicalDirectory = join(directory, 'lexical');
    if (catalogue.rebuilt !== undefined) {
      // Postings are meaningless without their catalogue.
      notices.push(`Rebuilding the index: ${catalogue.rebuilt}.`);
      forgetComplete(directory);
      rmSync(lexicalDirectory, { recursive: true, force: true });
    } else if (catalogue.damagedBytes > 0) {
      notices.push(`${catalogue.damagedBytes} bytes of the index were damaged. Their files are indexed again.`);
    }
    makeDirectory(lexicalDirectory);
    const { index: lexical, damaged } = await LexicalIndex.open(lexicalDirectory);
    for (const { reason } of damaged) notices.push(`Rebuilding a damaged part of the index: ${reason}`);
    return { catalogue, lexical, directory, lock, notices };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function openShared(directory: string): Promise<OpenStore> {
  const owner = StoreLock.owner(join(directory, 'lock'));
  const catalogue = Catalogue.openShared(directory);
  const lexical = await LexicalIndex.openShared(join(directory, 'lexical'));
  return { catalogue, lexical, directory, lock: undefined, sharedWith: owner?.pid ?? 0, notices: [] };
}

/**
 * Prepares a store for being cleared: the next pass is a first one, and the indexes of other versions go too.
 * @throws StoreError `storeLocked` when another process writes the store
 */
export function beginAgain({ storageDirectory, lock, sharedWith }: OpenStore): void {
  if (storageDirectory === undefined) return;
  if (sharedWith !== undefined)
    throw new StoreError(
      'storeLocked',
      storageDirectory,
      `the index cannot be cleared while another process (${sharedWith}) writes it`,
    );
  if (!lock) return;
  forgetComplete(lock.directory);
  removeLeftOvers(storageDirectory, true);
}

// ── The first pass ────────────────────────────────────────────────────────────────────────────────────────────────

/** Marks the store as having everything that a first pass found. Other processes then read it without waiting. */
export function markComplete(directory: string): void {
  if (progressOf(directory, COMPLETE) !== '') return;
  try {
    writeFileSync(join(directory, COMPLETE), '');
  } catch {
    // The disk is full or read-only: others wait until this process ends.
  }
}

export function forgetComplete(directory: string): void {
  rmSync(join(directory, COMPLETE), { force: true });
}

/** Changes while the owner writes; empty where there is no such file. */
function progressOf(directory: string, file = LOG_FILE): string {
  try {
    const { size, mtimeMs } = statSync(join(directory, file));
    return `${size} ${mtimeMs}`;
  } catch {
    return '';
  }
}
