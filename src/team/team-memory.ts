/**
 * A team's memory of one version: finds records that anyone has committed, and reads them into the local store. Nothing
 * that it reads is used before its digest, its checksum and its shape are verified. Whatever fails is a miss.
 */
import { createHash } from 'node:crypto';
import { inParallel, messageOf } from '../base';
import { decodeRecord, type MemoryStore, type PackRecord } from '../memory';
import { EntryKind } from './log/entry';
import { LogCache } from './log/log-cache';
import { encodeTombstones } from './log/manifest';
import { type Place, Places } from './log/places';
import { ShardLog } from './log/shard-log';
import { listAll } from './objects/object-store';
import { planReads, type Read } from './packs/plan-reads';
import type { PatientStore } from './objects/patient-store';
import type { TeamPlace } from './team-settings';

export const SHARDS = 8;
/** Reads and log requests in flight. */
const LANES = 8;
/** Age (ms) of the log at which a pull reads it again. */
const FRESH_MS = 30_000;

export interface TeamMemoryOptions extends Pick<TeamPlace, 'names' | 'trust' | 'signer'> {
  store: PatientStore;
  /** Identifies everything that rows depend on besides the text (`memoryVersion`). */
  version: string;
  /** Folder for copies of logs on this machine; absent: none. */
  cacheDirectory?: string;
  /** Called with what did not go as it should, for the log. */
  warn?: (message: string) => void;
}

export interface PullResult {
  /** Records that are in the local store now. */
  pulled: number;
  bytes: number;
  /** Records that no manifest lists, or that could not be read. */
  missed: number;
  /** Records that were damaged or did not fit. */
  harmed: number;
}

/** Shape of a model's rows; a record with other sizes is refused. */
export type RecordCheck = (record: PackRecord) => boolean;

/** A record that is wanted, and where it is. */
interface Wish {
  contentKey: string;
  key: Uint8Array;
  place: Place;
}

type Decoded = NonNullable<ReturnType<typeof decodeRecord>>;

export class TeamMemory {
  readonly folder: string;
  readonly logs: readonly ShardLog[];
  private readonly places: readonly Places[];
  /** Number of entries of each log that are in its places. */
  private readonly absorbed = new Array<number>(SHARDS).fill(0);
  private readonly cache: LogCache | undefined;
  private refreshedAt = -Infinity;
  private refreshing: Promise<void> | undefined;
  /** Records that proved damaged, by pack; votes that are not cast yet. */
  private readonly harmed = new Map<string, Set<string>>();
  /** Shared keys (hex) that this process does not ask for again. */
  private readonly avoided = new Set<string>();

  constructor(readonly options: TeamMemoryOptions) {
    this.folder = versionFolder(options.version);
    const { store, trust, signer } = options;
    this.logs = Array.from(
      { length: SHARDS },
      (_, shard) => new ShardLog({ store, version: this.folder, name: shard.toString(16), trust, signer }),
    );
    this.places = this.logs.map(() => new Places());
    this.cache = options.cacheDirectory === undefined ? undefined : new LogCache(options.cacheDirectory, this.folder);
  }

  // ── The log ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Reads what was committed meanwhile, unless that was done just now. Logs that cannot be read stay as they were.
   * @throws ObjectStoreError when no log could be read
   */
  refresh(options: { force?: boolean; signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (!options.force && performance.now() - this.refreshedAt < FRESH_MS) return Promise.resolve();
    return (this.refreshing ??= this.readLogs(options.signal).finally(() => (this.refreshing = undefined)));
  }

  private async readLogs(signal: AbortSignal | undefined): Promise<void> {
    const first = this.refreshedAt === -Infinity;
    if (first && this.cache)
      for (const log of this.logs) {
        log.restore(await this.cache.read(log.name));
        this.absorb(this.logs.indexOf(log));
      }
    const failures: unknown[] = [];
    await inParallel(this.logs, LANES, async (log) => {
      try {
        await this.refreshLog(log, signal);
      } catch (error) {
        failures.push(error);
      }
    });
    signal?.throwIfAborted();
    if (failures.length === SHARDS) throw failures[0];
    if (failures.length > 0) this.options.warn?.(`The team’s memory: ${messageOf(failures[0])}`);
    this.refreshedAt = performance.now();
  }

  /** Reads one shard's log. @throws ObjectStoreError */
  async refreshShard(shard: number, signal?: AbortSignal): Promise<void> {
    await this.refreshLog(this.logs[shard] as ShardLog, signal);
  }

  private async refreshLog(log: ShardLog, signal: AbortSignal | undefined): Promise<void> {
    const shard = this.logs.indexOf(log);
    try {
      await log.refresh(signal);
    } finally {
      if (this.absorb(shard)) await this.cache?.write(log.name, log.snapshot());
    }
  }

  /** Commits an entry to a shard's log. @throws ObjectStoreError */
  async commit(shard: number, kind: EntryKind, body: Uint8Array, signal?: AbortSignal): Promise<void> {
    const log = this.logs[shard] as ShardLog;
    try {
      await log.append(kind, body, signal);
    } finally {
      this.absorb(shard);
    }
    await log.writeHead(signal);
  }

  /** Takes new entries of a log into account. */
  private absorb(shard: number): boolean {
    const { entries } = this.logs[shard] as ShardLog;
    const known = this.absorbed[shard] as number;
    if (entries.length === known) return false;
    this.places[shard]?.add(entries.slice(known));
    this.absorbed[shard] = entries.length;
    return true;
  }

  shardPlaces(shard: number): Places {
    return this.places[shard] as Places;
  }

  // ── Records ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The shared key of a local content key (hex). */
  keyOf(contentKey: string): Buffer {
    return this.options.names.keyOf(contentKey);
  }

  /** Where the record of a shared key is. Undefined when none is committed, or it proved damaged. */
  find(key: Uint8Array): Place | undefined {
    const place = this.places[shardOf(key)]?.find(key);
    return place && this.avoided.has(Buffer.from(key).toString('hex')) ? undefined : place;
  }

  has(contentKey: string): boolean {
    return this.find(this.keyOf(contentKey)) !== undefined;
  }

  /** Records and packs of all manifests. */
  get size(): { records: number; packs: number; bytes: number; untrusted: number } {
    const manifests = this.places.flatMap((places) => places.manifests);
    return {
      records: this.places.reduce((sum, { size }) => sum + size, 0),
      packs: manifests.length,
      bytes: manifests.reduce((sum, { bytes }) => sum + bytes, 0),
      untrusted: this.logs.reduce((sum, { untrusted }) => sum + untrusted, 0),
    };
  }

  /**
   * Reads records into the local store. Records that lie side by side are read together.
   * @param contentKeys local keys of the wanted records
   * @param check refuses records that do not fit the model
   * @throws when the signal aborts; never because of the store
   */
  async pull(
    contentKeys: Iterable<string>,
    local: Pick<MemoryStore, 'has' | 'put' | 'hasRoom'>,
    check: RecordCheck,
    options: { signal?: AbortSignal | undefined; progress?: (pulled: number) => void; mostReads?: number } = {},
  ): Promise<PullResult> {
    const { signal, progress, mostReads = Infinity } = options;
    const result: PullResult = { pulled: 0, bytes: 0, missed: 0, harmed: 0 };
    const wanted: Wish[] = [];
    for (const contentKey of new Set(contentKeys)) {
      if (local.has(contentKey)) continue;
      const key = this.keyOf(contentKey);
      const place = this.find(key);
      if (place) wanted.push({ contentKey, key, place });
      else result.missed += 1;
    }
    const reads = planReads(wanted);
    await inParallel(reads.slice(0, mostReads), LANES, async (read) => {
      if (!local.hasRoom(read.to - read.from)) {
        result.missed += read.records.length;
        return;
      }
      const bytes = await this.readRange(read, signal);
      signal?.throwIfAborted();
      for (const wish of read.records) {
        const { contentKey, place } = wish;
        const record =
          bytes && (verified(bytes, read.from, wish, check) ?? (await this.readAgain(wish, check, signal)));
        if (!record) {
          if (bytes) this.avoid(wish);
          result[bytes ? 'harmed' : 'missed'] += 1;
          continue;
        }
        const { tokens, coarseRows: coarse, restRows: rest, bytesPerRow } = record.record;
        await local.put(contentKey, tokens, { coarse, rest, bytesPerRow }, record.payload, true);
        result.pulled += 1;
        result.bytes += place.manifest.length(place.row);
      }
      progress?.(result.pulled);
    });
    for (const read of reads.slice(mostReads)) result.missed += read.records.length;
    return result;
  }

  /** Undefined when the bytes cannot be had. A pack that is gone was collected. */
  private async readRange({ pack, from, to }: Read<unknown>, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    try {
      const found = await this.options.store.get(packName(this.folder, pack), { range: { from, to }, signal });
      return found?.bytes;
    } catch (error) {
      this.options.warn?.(`The team’s memory: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Reads one record again: bytes that were damaged on the way are no reason to vote against it. */
  private async readAgain(wish: Wish, check: RecordCheck, signal?: AbortSignal): Promise<Decoded | undefined> {
    const { manifest, row } = wish.place;
    const from = manifest.offset(row);
    const read = { pack: manifest.name, from, to: from + manifest.length(row), records: [] };
    const bytes = await this.readRange(read, signal);
    return bytes && verified(bytes, from, wish, check);
  }

  /**
   * Votes against packs that are no longer in the store: a rule of the bucket has removed them, or somebody's hand.
   * @throws ObjectStoreError
   */
  async voteGone(signal?: AbortSignal): Promise<number> {
    const known = this.places.map((places) => places.livePacks());
    const present = new Set<string>();
    for await (const { name } of listAll(this.options.store, packName(this.folder, ''), signal))
      present.add(name.slice(name.lastIndexOf('/') + 1));
    let votes = 0;
    for (const [shard, packs] of known.entries()) {
      for (const pack of packs) {
        if (present.has(pack)) continue;
        const body = encodeTombstones({ pack: Buffer.from(pack, 'hex'), keys: [] });
        await this.commit(shard, EntryKind.Tombstones, body, signal);
        votes += 1;
      }
    }
    return votes;
  }

  // ── Damage ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Does not ask for a record again, and remembers the vote against it. */
  private avoid({ key, place: { manifest } }: Wish): void {
    const name = Buffer.from(key).toString('hex');
    this.avoided.add(name);
    const keys = this.harmed.get(manifest.name) ?? new Set<string>();
    keys.add(name);
    this.harmed.set(manifest.name, keys);
  }

  /** Number of records that proved damaged. */
  get harmedRecords(): number {
    return [...this.harmed.values()].reduce((sum, keys) => sum + keys.size, 0);
  }

  /**
   * Votes against damaged records, so that nobody asks for them again and someone encodes them anew. Only a writer's
   * vote counts. @throws ObjectStoreError
   */
  async vote(signal?: AbortSignal): Promise<number> {
    let votes = 0;
    for (const [pack, keys] of [...this.harmed]) {
      const byShard = new Map<number, Buffer[]>();
      for (const name of keys) {
        const key = Buffer.from(name, 'hex');
        byShard.set(shardOf(key), [...(byShard.get(shardOf(key)) ?? []), key]);
      }
      for (const [shard, own] of byShard) {
        const body = encodeTombstones({ pack: Buffer.from(pack, 'hex'), keys: own });
        await this.commit(shard, EntryKind.Tombstones, body, signal);
        votes += own.length;
      }
      this.harmed.delete(pack);
      for (const name of keys) this.avoided.delete(name);
    }
    return votes;
  }
}

/** Returns the record among the bytes read from `from` on, if it is what the manifest promises and fits the model. */
function verified(
  bytes: Uint8Array,
  from: number,
  { contentKey, place: { manifest, row } }: Wish,
  check: RecordCheck,
): Decoded | undefined {
  const start = manifest.offset(row) - from;
  const own = bytes.subarray(start, start + manifest.length(row));
  if (!createHash('sha256').update(own).digest().equals(manifest.recordDigest(row))) return undefined;
  const decoded = decodeRecord(own);
  return decoded && decoded.record.key === contentKey && check(decoded.record) ? decoded : undefined;
}

/** The folder of a version. Another model, segmenter or format has another one. */
export function versionFolder(version: string): string {
  return createHash('sha256').update(`team-1\0${version}`).digest('hex').slice(0, 16);
}

export const packName = (folder: string, pack: string): string => `${folder}/cas/${pack}`;

/** The shard of a shared key: its first three bits. Hash tables use other bits. */
export const shardOf = (key: Uint8Array): number => ((key[0] as number) * SHARDS) >> 8;
