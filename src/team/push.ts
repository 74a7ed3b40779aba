/**
 * Brings a workspace's records into a team's memory: what no manifest lists is encoded, packed and committed. Several
 * workers share the work by leases on parts of the key space. A worker that dies loses at most one pack's work.
 */
import * as l10n from '@vscode/l10n';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { EntryKind } from './log/entry';
import { LEASE_MS, type Lease, Leases } from './log/leases';
import { ObjectStoreError } from './objects/object-store';
import { PACK_BYTES, PackBuilder } from './packs/pack-builder';
import { packName, SHARDS, type TeamMemory } from './team-memory';

/** The records that a worker can give. */
export interface PushSource {
  /** Local keys of all records of the workspace, in its order. */
  keys: readonly string[];
  /** Returns a record of the local store with its header. */
  stored(contentKey: string): Promise<Uint8Array | undefined>;
  /** Encodes texts, so that `stored` finds their records. Absent: only stored records are pushed. */
  encode?(contentKeys: readonly string[], signal: AbortSignal | undefined): Promise<void>;
}

export interface PushOptions {
  signal?: AbortSignal | undefined;
  progress?: (done: number, all: number) => void;
  leaseMs?: number;
  packBytes?: number;
  /** Time (ms) between two looks at parts that other workers encode. */
  waitMs?: number;
}

export interface PushResult {
  /** Records of the workspace. */
  needed: number;
  /** Records that were in the team's memory before. */
  present: number;
  /** Records that this worker has encoded, and records that it has committed. */
  encoded: number;
  committed: number;
  packs: number;
  bytes: number;
}

/** Records encoded between two looks at the lease. */
const BATCH = 16;
/** Records of one part, about, and the fewest and most parts. All workers on a workspace count alike. */
const PART_RECORDS = 128;
const LEAST_PARTS = 2 * SHARDS;
const MOST_PARTS = 256;
const WAIT_MS = 1_000;

export class Push {
  private readonly leases: Leases;
  private readonly result: PushResult;

  constructor(
    private readonly team: TeamMemory,
    private readonly source: PushSource,
    private readonly options: PushOptions = {},
  ) {
    const { leaseMs } = options;
    this.leases = new Leases({ store: team.options.store, version: team.folder, ...(leaseMs ? { leaseMs } : {}) });
    const needed = new Set(source.keys).size;
    this.result = { needed, present: 0, encoded: 0, committed: 0, packs: 0, bytes: 0 };
  }

  /**
   * Pushes until nothing is missing.
   * @throws ObjectStoreError when the store fails for good; what was committed stays
   */
  async run(): Promise<PushResult> {
    const { team, options } = this;
    const { signal, waitMs = WAIT_MS } = options;
    await team.refresh({ force: true, signal });
    await team.voteGone(signal);
    let todo = this.parts();
    this.result.present =
      this.result.needed - countOf(todo.flatMap(({ keys }) => keys.filter((key) => !team.has(key))));
    while (todo.length > 0) {
      const before = this.result.committed;
      const left: Part[] = [];
      for (const part of todo) {
        signal?.throwIfAborted();
        if (!(await this.pushPart(part))) left.push(part);
      }
      todo = left;
      if (todo.length > 0 && this.result.committed === before) await sleep(waitMs, undefined, signal ? { signal } : {});
      for (const shard of new Set(todo.map((part) => part.shard))) await team.refreshShard(shard, signal);
    }
    return this.result;
  }

  /** Pushes only what is stored here and nowhere else. Takes no leases. */
  async storedOnly(): Promise<PushResult> {
    const { signal } = this.options;
    await this.team.refresh({ force: true, signal });
    for (const { shard, keys } of this.parts(SHARDS)) await this.pushKeys(keys, shard);
    return this.result;
  }

  /** Groups the records by the first bits of their shared keys. Workers begin at different parts. */
  private parts(count = partsFor(this.result.needed)): Part[] {
    const parts = Array.from({ length: count }, (_, index): Part => ({
      name: `${count}-${index}`,
      shard: Math.floor((index * SHARDS) / count),
      keys: [],
    }));
    for (const key of new Set(this.source.keys)) {
      const shared = this.team.keyOf(key);
      (parts[Math.floor((shared.readUInt16BE(0) * count) / 65_536)] as Part).keys.push(key);
    }
    const first = randomBytes(1).readUInt8() % count;
    return [...parts.slice(first), ...parts.slice(0, first)].filter(({ keys }) => keys.length > 0);
  }

  private missing(keys: readonly string[]): string[] {
    return keys.filter((key) => !this.team.has(key));
  }

  /** Returns whether the part is done: pushed by this worker or by others. */
  private async pushPart({ name, shard, keys }: Part): Promise<boolean> {
    const { team, options } = this;
    if (this.missing(keys).length === 0) return true;
    const lease = await this.leases.take(name, options.signal);
    if (!lease) return false;
    // The worker that had the lease before may have committed since.
    await team.refreshShard(shard, options.signal);
    const done = await this.pushKeys(keys, shard, lease);
    if (done) await lease.release(options.signal);
    return done;
  }

  /** Returns false when another worker has taken the part over. */
  private async pushKeys(keys: readonly string[], shard: number, lease?: Lease): Promise<boolean> {
    const { options, source } = this;
    const { signal, packBytes = PACK_BYTES, leaseMs = LEASE_MS } = options;
    const missing = this.missing(keys);
    let builder = new PackBuilder();
    let renewed = performance.now();
    const finish = async (): Promise<void> => {
      if (builder.count > 0) await this.commit(builder, shard);
      builder = new PackBuilder();
    };
    for (let at = 0; at < missing.length; at += BATCH) {
      signal?.throwIfAborted();
      const batch = missing.slice(at, at + BATCH);
      const rest: string[] = [];
      for (const key of batch) if (!(await this.add(builder, key))) rest.push(key);
      if (rest.length > 0 && source.encode) {
        await source.encode(rest, signal);
        this.result.encoded += rest.length;
        for (const key of rest) await this.add(builder, key);
      }
      if (builder.bytes >= packBytes) await finish();
      if (lease && performance.now() - renewed > leaseMs / 3) {
        renewed = performance.now();
        if (!(await lease.renew(signal))) {
          await finish();
          return false;
        }
      }
    }
    await finish();
    return true;
  }

  private async add(builder: PackBuilder, contentKey: string): Promise<boolean> {
    const record = await this.source.stored(contentKey);
    return record !== undefined && builder.add(this.team.keyOf(contentKey), record);
  }

  /** The pack first, then the entry that makes it count. */
  private async commit(builder: PackBuilder, shard: number): Promise<void> {
    const { team, options } = this;
    const { store } = team.options;
    const pack = builder.build();
    const name = packName(team.folder, pack.name);
    const { signal } = options;
    if ((await store.put(name, pack.bytes, { ifAbsent: true, signal })) === 'conflict') {
      // An earlier attempt has arrived, or damaged bytes have. The name is the content's hash, so that writing it again
      // does no harm.
      const present = await store.get(name, { signal });
      if (!present || Buffer.compare(present.bytes, pack.bytes) !== 0) await store.put(name, pack.bytes, { signal });
    }
    await team.commit(shard, EntryKind.Pack, pack.manifest, signal);
    this.result.packs += 1;
    this.result.committed += pack.records;
    this.result.bytes += pack.bytes.byteLength;
    options.progress?.(this.result.present + this.result.committed, this.result.needed);
  }
}

interface Part {
  name: string;
  shard: number;
  keys: string[];
}

const countOf = (keys: readonly string[]): number => new Set(keys).size;

function partsFor(records: number): number {
  let parts = LEAST_PARTS;
  while (parts < MOST_PARTS && parts * PART_RECORDS < records) parts *= 2;
  return parts;
}

/**
 * Makes sure that the store refuses to write over what is there.
 * @throws ObjectStoreError('misconfigured') when it does not
 */
export async function checkConditions(team: TeamMemory, signal?: AbortSignal): Promise<void> {
  const { store } = team.options;
  const name = `${team.folder}/probe/${randomBytes(8).toString('hex')}`;
  const bytes = new Uint8Array([1]);
  try {
    await store.put(name, bytes, { ifAbsent: true, signal });
    if ((await store.put(name, bytes, { ifAbsent: true, signal })) === 'conflict') return;
  } finally {
    await store.delete(name, signal).catch(() => undefined);
  }
  throw new ObjectStoreError(
    'misconfigured',
    l10n.t(
      '{0} does not know conditional writes (If-None-Match), so several writers would harm each other.',
      store.address,
    ),
    l10n.t('Use S3, R2, MinIO, Ceph or a shared directory.'),
  );
}
