/**
 * The index of a workspace in a team's store: files in chunks by content, and entries of a log that name them. A fresh
 * clone takes the newest one; its first pass then reads the files, and segments only those that differ.
 */
import { createHash } from 'node:crypto';
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../base/node';
import { EntryKind, type LogEntry } from './log/entry';
import { ShardLog } from './log/shard-log';
import { inParallel } from '../base';
import type { PatientStore } from './objects/patient-store';
import type { TeamPlace } from './team-settings';

const CHUNK_BYTES = 16 << 20;
const LANES = 4;
/** Entries that are tried, newest first, when chunks of an index are gone. */
const MOST_TRIES = 3;
const DIGEST = /^[0-9a-f]{64}$/;
const FILE = /^[\w.-]+(?:\/[\w.-]+)*$/;

export interface IndexPlace extends Pick<TeamPlace, 'names' | 'trust' | 'signer'> {
  store: PatientStore;
  /** Formats of the index. */
  version: string;
  /** Which repository, as everyone in the team names it. */
  repository: string;
}

interface IndexedFiles {
  files: { path: string; bytes: number; chunks: string[] }[];
}

export interface PushedIndex {
  bytes: number;
  /** Bytes that were not in the store before. */
  written: number;
}

/** The folder of an index's version in the store. */
export function indexVersionFolder(version: string): string {
  return `index-${createHash('sha256').update(`team-1\0${version}`).digest('hex').slice(0, 16)}`;
}

/**
 * Commits the files of an index.
 * @param files paths in the directory, with forward slashes
 * @throws ObjectStoreError
 */
export async function commitIndex(
  place: IndexPlace,
  directory: string,
  files: readonly string[],
  signal?: AbortSignal,
): Promise<PushedIndex> {
  const folder = indexVersionFolder(place.version);
  const log = logOf(place);
  await log.refresh(signal);
  const latest = log.entries.at(-1);
  const known = new Set(latest && (filesIn(latest)?.files ?? []).flatMap(({ chunks }) => chunks));
  const named: IndexedFiles = { files: [] };
  const result: PushedIndex = { bytes: 0, written: 0 };
  for (const path of files) {
    const chunks: string[] = [];
    let bytes = 0;
    for await (const chunk of chunksOf(join(directory, path))) {
      const digest = createHash('sha256').update(chunk).digest('hex');
      chunks.push(digest);
      bytes += chunk.byteLength;
      if (known.has(digest)) continue;
      const written = await place.store.put(`${folder}/cas/${digest}`, chunk, { ifAbsent: true, signal });
      if (written !== 'conflict') result.written += chunk.byteLength;
    }
    named.files.push({ path, bytes, chunks });
    result.bytes += bytes;
  }
  const body = new TextEncoder().encode(JSON.stringify(named));
  if (latest && Buffer.compare(latest.body, body) === 0) return result;
  await log.append(EntryKind.Files, body, signal);
  await log.writeHead(signal);
  return result;
}

/**
 * Reads the newest index into a directory that does not exist yet. Everything is verified before the directory appears.
 * @returns undefined when there is none, or it cannot be had whole
 * @throws ObjectStoreError when the log cannot be read
 */
export async function takeIndex(
  place: IndexPlace,
  directory: string,
  signal?: AbortSignal,
): Promise<{ bytes: number } | undefined> {
  const log = logOf(place);
  await log.refresh(signal);
  const temporary = `${directory}.team-${process.pid}`;
  for (const entry of log.entries.slice(-MOST_TRIES).reverse()) {
    const named = filesIn(entry);
    if (!named) continue;
    try {
      await rm(temporary, { recursive: true, force: true });
      let bytes = 0;
      for (const file of named.files) {
        await writeChunks(place, join(temporary, file.path), file.chunks, signal);
        if ((await stat(join(temporary, file.path))).size !== file.bytes) throw new Error(`${file.path} is not whole`);
        bytes += file.bytes;
      }
      await rename(temporary, directory);
      return { bytes };
    } catch {
      signal?.throwIfAborted();
    } finally {
      await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    }
  }
  return undefined;
}

/** The chunks that the latest indexes of all repositories consist of. @throws ObjectStoreError */
export async function liveChunks(
  place: Omit<IndexPlace, 'repository'>,
  logs: Iterable<string>,
  signal?: AbortSignal,
): Promise<Set<string>> {
  const live = new Set<string>();
  for (const name of logs) {
    const log = new ShardLog({ ...place, version: indexVersionFolder(place.version), name });
    await log.refresh(signal);
    for (const entry of log.entries.slice(-MOST_TRIES))
      for (const { chunks } of filesIn(entry)?.files ?? []) for (const chunk of chunks) live.add(chunk);
  }
  return live;
}

function logOf({ store, trust, signer, version, names, repository }: IndexPlace): ShardLog {
  const name = names.nameOf('index', repository);
  return new ShardLog({ store, trust, signer, version: indexVersionFolder(version), name });
}

/** Undefined for an entry that does not name files as this version does. */
function filesIn({ kind, body }: LogEntry): IndexedFiles | undefined {
  if (kind !== EntryKind.Files) return undefined;
  try {
    const { files } = JSON.parse(new TextDecoder().decode(body)) as IndexedFiles;
    // Nothing may be written outside the directory.
    const sound = files.every(
      ({ path, bytes, chunks }) =>
        FILE.test(path) &&
        !path.split('/').some((part) => /^\.+$/.test(part)) &&
        Number.isSafeInteger(bytes) &&
        chunks.every((chunk) => DIGEST.test(chunk)),
    );
    return sound ? { files } : undefined;
  } catch {
    return undefined;
  }
}

async function* chunksOf(file: string): AsyncIterableIterator<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    for (let at = 0; ;) {
      const chunk = new Uint8Array(CHUNK_BYTES);
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, at);
      if (bytesRead === 0) return;
      yield chunk.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

async function writeChunks(
  { store, version }: IndexPlace,
  file: string,
  chunks: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const folder = indexVersionFolder(version);
  makeDirectory(dirname(file));
  // Parts beside the file, so that chunks may arrive in any order.
  await inParallel([...chunks.keys()], LANES, async (i) => {
    const found = await store.get(`${folder}/cas/${chunks[i]}`, { signal });
    if (!found || createHash('sha256').update(found.bytes).digest('hex') !== chunks[i])
      throw new Error(`chunk ${chunks[i]} is not there`);
    await writeFile(`${file}.${i}`, found.bytes);
  });
  await writeFile(file, '');
  for (const i of chunks.keys()) {
    await writeFile(file, await readFile(`${file}.${i}`), { flag: 'a' });
    await rm(`${file}.${i}`);
  }
}
