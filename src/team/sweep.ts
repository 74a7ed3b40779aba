/**
 * Collects what nobody needs. A pack without a record that counts is deleted once two sweeps have found it so, and it
 * is seven days old by the store's clock. Readers that still look for it take its absence as a miss. The prefix of
 * another version goes whole, when nothing was written to it for a month.
 */
import { indexVersionFolder, liveChunks } from './index-snapshot';
import { EntryKind } from './log/entry';
import { encodeTombstones } from './log/manifest';
import { listAll } from './objects/object-store';
import { packName, SHARDS, type TeamMemory } from './team-memory';

const DAY_MS = 24 * 3_600_000;
/** Age of a pack, and time since a sweep first found it useless, before it is deleted. */
export const GRACE_MS = 7 * DAY_MS;
/** Time without a write after which another version's prefix is deleted. */
export const OTHER_VERSION_MS = 30 * DAY_MS;
/** Age of a pack that no workspace uses, before a sweep of an unused one votes against it. */
export const UNUSED_MS = 30 * DAY_MS;

/** Prefixes of versions, of rows and of indexes. Objects elsewhere are somebody else's. */
const VERSION = /^(?:index-)?[0-9a-f]{16}$/;
const MARKS = 'sweep/marks';

export interface SweepOptions {
  signal?: AbortSignal | undefined;
  /** Local keys of the records that are in use. Packs that hold none of them, and are old, count as useless. */
  used?: Iterable<string>;
  /** Formats of the present index (`indexFormat`), whose prefix is kept and swept by itself. */
  indexVersion?: string;
}

export interface SweepResult {
  /** Packs that are deleted, and bytes freed. */
  deleted: number;
  bytesFreed: number;
  /** Packs that this sweep has found useless and that stay for now. */
  marked: number;
  /** Versions whose prefix was deleted. */
  versions: readonly string[];
  packs: number;
}

/** @throws ObjectStoreError */
export async function sweep(team: TeamMemory, options: SweepOptions = {}): Promise<SweepResult> {
  const { signal } = options;
  const { store } = team.options;
  // The log first: a pack that is committed meanwhile is too young to be deleted.
  await team.refresh({ force: true, signal });
  const now = await store.now(signal);
  const packs = new Map<string, { bytes: number; modifiedMs: number }>();
  for await (const { name, ...facts } of listAll(store, packName(team.folder, ''), signal))
    packs.set(name.slice(name.lastIndexOf('/') + 1), facts);
  if (options.used) await voteUnused(team, options.used, packs, now, signal);
  const live = new Set(Array.from({ length: SHARDS }, (_, i) => [...team.shardPlaces(i).livePacks()]).flat());
  const before = await readMarks(team, signal);
  const marks: Record<string, number> = {};
  const result = { deleted: 0, bytesFreed: 0, marked: 0, packs: packs.size };
  for (const [pack, { bytes, modifiedMs }] of packs) {
    if (live.has(pack)) continue;
    const since = before[pack];
    if (since !== undefined && now - since >= GRACE_MS && now - modifiedMs >= GRACE_MS) {
      await store.delete(packName(team.folder, pack), signal);
      result.deleted += 1;
      result.bytesFreed += bytes;
    } else {
      marks[pack] = since === undefined ? now : Math.min(since, now);
      result.marked += 1;
    }
  }
  await store.put(`${team.folder}/${MARKS}`, new TextEncoder().encode(JSON.stringify(marks)), { signal });
  const { indexVersion } = options;
  if (indexVersion !== undefined) {
    const freed = await sweepChunks(team, indexVersion, now, signal);
    result.bytesFreed += freed;
  }
  const keep = [team.folder, ...(indexVersion === undefined ? [] : [indexVersionFolder(indexVersion)])];
  return { ...result, versions: await sweepVersions(team, keep, now, signal) };
}

/** Votes against old packs that hold no used record. */
async function voteUnused(
  team: TeamMemory,
  used: Iterable<string>,
  packs: ReadonlyMap<string, { modifiedMs: number }>,
  now: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const inUse = new Set<string>();
  for (const key of used) {
    const place = team.find(team.keyOf(key));
    if (place) inUse.add(place.manifest.name);
  }
  for (let shard = 0; shard < SHARDS; shard++) {
    for (const pack of team.shardPlaces(shard).livePacks()) {
      const { modifiedMs } = packs.get(pack) ?? {};
      if (inUse.has(pack) || modifiedMs === undefined || now - modifiedMs < UNUSED_MS) continue;
      const body = encodeTombstones({ pack: Buffer.from(pack, 'hex'), keys: [] });
      await team.commit(shard, EntryKind.Tombstones, body, signal);
    }
  }
}

/** When packs were first found useless, by name. */
async function readMarks(team: TeamMemory, signal: AbortSignal | undefined): Promise<Record<string, number>> {
  const found = await team.options.store.get(`${team.folder}/${MARKS}`, { signal });
  try {
    const marks = JSON.parse(new TextDecoder().decode(found?.bytes)) as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(marks).filter((mark): mark is [string, number] => typeof mark[1] === 'number'),
    );
  } catch {
    return {};
  }
}

/** Deletes chunks that the latest indexes do not name. Whoever reads an older index goes without. */
async function sweepChunks(
  { options: { store, trust, names } }: TeamMemory,
  version: string,
  now: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const folder = indexVersionFolder(version);
  const logs = new Set<string>();
  for await (const { name } of listAll(store, `${folder}/log/`, signal)) logs.add(name.split('/')[2] as string);
  const live = await liveChunks({ store, trust, names, version }, logs, signal);
  let freed = 0;
  for await (const { name, bytes, modifiedMs } of listAll(store, `${folder}/cas/`, signal)) {
    if (live.has(name.slice(name.lastIndexOf('/') + 1)) || now - modifiedMs < GRACE_MS) continue;
    await store.delete(name, signal);
    freed += bytes;
  }
  return freed;
}

/** Deletes prefixes of other versions to which nobody has written for long. */
async function sweepVersions(
  team: TeamMemory,
  keep: readonly string[],
  now: number,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const { store } = team.options;
  const swept: string[] = [];
  for (let after = ''; ;) {
    const [first] = await store.list('', { after, limit: 1, signal });
    if (!first) return swept;
    const folder = first.name.split('/')[0] as string;
    // The character after the slash: behind everything in the folder.
    after = `${folder}0`;
    if (keep.includes(folder) || !VERSION.test(folder)) continue;
    const names: string[] = [];
    let newest = 0;
    for await (const { name, modifiedMs } of listAll(store, `${folder}/`, signal)) {
      names.push(name);
      newest = Math.max(newest, modifiedMs);
    }
    if (now - newest < OTHER_VERSION_MS) continue;
    for (const name of names) await store.delete(name, signal);
    swept.push(folder);
  }
}
