import { SerialQueue } from '../../base';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { StoreLock } from '../../workspace';
import { makeDirectory } from '../../base/node';
import {
  HEADER_BYTES,
  NOTHING,
  payloadBytes,
  payloadOf,
  placeOf,
  type MemoryPart,
  type MemoryPayload,
  type Pack,
  type PackRecord,
} from './pack';
import { Packs } from './packs';
import { ReadBuffers } from './read-buffers';

/**
 * The memories of every segment of a workspace, by content: a coarse and a fine set of key/value rows, a vector and the
 * token ids. One store serves all branches and all windows: one process writes, the others follow what it writes, and
 * one of them takes over when it is gone. Records live in append-only packs; when the byte budget is reached the least
 * recently used are taken out, and a pack that is mostly dead is rewritten. Parts of records are read by themselves,
 * into buffers that are used again.
 */

export interface MemoryStoreOptions {
  directory: string;
  /** Bytes on disk the store may take. */
  budgetBytes: number;
  /** Model id and revision, segmenter version, row format: memories of another version are discarded, never mixed. */
  version: string;
  /** False: read what is there, write nothing, not even when no other process does. */
  mayWrite?: boolean;
  /** A new pack is begun when one reaches this size. */
  packBytes?: number;
}

export interface MemoryStoreStats {
  segments: number;
  /** Tokens all records stand for. */
  tokens: number;
  /** Bytes of the pack files. */
  bytes: number;
  hits: number;
  misses: number;
  evictions: number;
  /** Bytes that a torn or harmed pack lost when the store was opened. */
  lostBytes: number;
  /** Buffers that reads have needed so far: as many as there were reads at once. */
  buffers: number;
}

interface Entry {
  record: PackRecord;
  pack: Pack;
  /** Logical clock of the last use; the smallest is evicted first. */
  used: number;
  /** The payload's checksum has been seen to hold. */
  verified: boolean;
}

const DEFAULT_PACK_BYTES = 32 * 1024 * 1024;
/**
 * Of a small budget a pack is at most this part: the one that is written to is never rewritten, so what is dead in it
 * counts.
 */
const PACKS_IN_BUDGET = 16;
/** A sealed pack with less than this share of live bytes is rewritten. */
const COMPACT_BELOW = 0.5;
/** Evict to this share of the budget, so that each new segment does not evict anew. */
const EVICT_TO = 0.9;

export class MemoryStore {
  private readonly entries = new Map<string, Entry>();
  private packs: Packs;
  /** Held by the process that writes. */
  private lock: StoreLock | undefined;
  /** The code of the error that keeps this process from writing, where it is not another process that does. */
  unwritable: string | undefined;
  private clock = 0;
  private hits = 0;
  private misses = 0;
  private evictions = 0;
  private lostBytes = 0;
  private readonly buffers = new ReadBuffers();
  /** Writes happen one after the other. */
  private readonly writes = new SerialQueue();

  private constructor(private readonly options: Required<MemoryStoreOptions>) {
    this.packs = this.newPacks();
  }

  static async open(options: MemoryStoreOptions): Promise<MemoryStore> {
    const store = new MemoryStore({
      packBytes: Math.min(DEFAULT_PACK_BYTES, options.budgetBytes / PACKS_IN_BUDGET),
      mayWrite: true,
      ...options,
    });
    await store.load();
    return store;
  }

  /** Whether this process is the one that writes. */
  get writable(): boolean {
    return this.lock !== undefined;
  }

  /**
   * Takes in what other processes have done meanwhile: what the one that writes has stored, moved or taken out, that
   * the store was cleared, that nobody writes any more. Resolves to whether there are other memories than before.
   */
  refresh(): Promise<boolean> {
    return this.writes.run(async () => {
      // Another process has taken over from this one, which stood still for long.
      if (this.lock && !this.lock.touch()) this.lock = undefined;
      if (!this.lock) {
        this.takeLock();
        if (this.lock || (await this.storedVersion()) !== this.options.version) {
          await this.forgetAll();
          await this.load();
          return true;
        }
      }
      return this.follow();
    });
  }

  private takeLock(): void {
    if (!this.options.mayWrite) return;
    try {
      this.lock = StoreLock.takeFile(`${this.options.directory}.lock`);
      this.unwritable = undefined;
    } catch (error) {
      // What is there is read.
      this.unwritable = (error as NodeJS.ErrnoException).code ?? String(error);
    }
  }

  private async load(): Promise<void> {
    const { directory, version } = this.options;
    if (!this.lock) this.takeLock();
    if ((await this.storedVersion()) !== version) {
      if (!this.lock) return;
      await rm(directory, { recursive: true, force: true });
      makeDirectory(directory);
      await writeFile(`${this.versionFile}.new`, version);
      await rename(`${this.versionFile}.new`, this.versionFile);
    }
    await this.follow();
    await this.loadUsage();
  }

  private async follow(): Promise<boolean> {
    const { gone, records, lostBytes } = await this.packs.follow(this.writable);
    this.lostBytes += lostBytes;
    for (const { record, pack } of records) {
      if (record.tombstone) this.entries.delete(record.key);
      else
        this.entries.set(record.key, { record, pack, used: this.entries.get(record.key)?.used ?? 0, verified: false });
    }
    if (gone.length > 0) for (const [key, { pack }] of this.entries) if (gone.includes(pack)) this.entries.delete(key);
    return gone.length + records.length > 0;
  }

  private async forgetAll(): Promise<void> {
    await this.packs.close();
    this.packs = this.newPacks();
    this.entries.clear();
  }

  private newPacks(): Packs {
    return new Packs(this.options.directory, this.options.packBytes);
  }

  private get versionFile(): string {
    return join(this.options.directory, 'version');
  }

  private storedVersion(): Promise<string | undefined> {
    return readFile(this.versionFile, 'utf8').catch(() => undefined);
  }

  has(key: string): boolean {
    return this.entries.has(key);
  }

  /** Records that have left for newer ones since the store was opened. */
  get evicted(): number {
    return this.evictions;
  }

  keys(): IterableIterator<string> {
    return this.entries.keys();
  }

  /** Sizes of a record, without reading it. */
  describe(
    key: string,
  ): Pick<PackRecord, 'tokens' | 'coarseRows' | 'fineRows' | 'bytesPerRow' | 'vectorBytes'> | undefined {
    return this.entries.get(key)?.record;
  }

  /** Keeps the memories of one segment. A key that is present is left as it is: content decides the bytes. */
  put(
    key: string,
    tokens: number,
    rows: { coarse: number; fine: number; bytesPerRow: number },
    payload: MemoryPayload,
  ): Promise<void> {
    return this.writes.run(async () => {
      if (this.entries.has(key) || !this.stillWrites()) return;
      const pack = await this.packs.toWrite();
      const described = {
        key,
        tokens,
        coarseRows: rows.coarse,
        fineRows: rows.fine,
        bytesPerRow: rows.bytesPerRow,
        tombstone: false,
      };
      if (
        payloadBytes(payload) !==
        payload.vector.byteLength + payload.ids.byteLength + (rows.coarse + rows.fine) * rows.bytesPerRow
      ) {
        throw new RangeError(`memories of ${key}: the payload has not the size its rows tell`);
      }
      const record = await pack.append(described, payload);
      this.entries.set(key, { record, pack, used: ++this.clock, verified: true });
      if (this.packs.bytes > this.options.budgetBytes) await this.evict();
    });
  }

  /** False once another process writes: this one stood still for so long that it was taken for dead. */
  private stillWrites(): boolean {
    if (this.lock && !this.lock.touch()) this.lock = undefined;
    return this.writable;
  }

  /** The vector's bytes, to be kept; undefined when the key is absent or its record is harmed (it is dropped then). */
  vector(key: string): Promise<Uint8Array | undefined> {
    return this.use(key, 'vector', (bytes) => bytes.slice());
  }

  /** Token ids, two bytes each, little-endian. */
  ids(key: string): Promise<Uint8Array | undefined> {
    return this.use(key, 'ids', (bytes) => bytes.slice());
  }

  coarse(key: string): Promise<Uint8Array | undefined> {
    return this.use(key, 'coarse', (bytes) => bytes.slice());
  }

  fine(key: string): Promise<Uint8Array | undefined> {
    return this.use(key, 'fine', (bytes) => bytes.slice());
  }

  /**
   * Shows a part of a record in a buffer that later reads use again: it is valid until `look` returns. Undefined as for
   * `vector`.
   */
  async use<T>(key: string, part: MemoryPart, look: (bytes: Uint8Array) => T): Promise<T | undefined> {
    const entry = this.entries.get(key);
    if (!entry) {
      this.misses++;
      return undefined;
    }
    entry.used = ++this.clock;
    const found = await this.read(entry, part, look);
    if (found) {
      this.hits++;
      return found.seen;
    }
    // A rewrite of its pack may have moved the record while it was being read.
    if (this.entries.get(key) !== entry) return this.use(key, part, look);
    // Harmed on disk: forget it, so that the segment is encoded again.
    this.entries.delete(key);
    this.misses++;
    return undefined;
  }

  /** A record whose checksum has not been seen to hold is read whole, once; of others the part alone. */
  private read<T>(entry: Entry, part: MemoryPart, look: (bytes: Uint8Array) => T): Promise<{ seen: T } | undefined> {
    const { pack, record, verified } = entry;
    const { from, bytes } = placeOf(part, record);
    if (verified)
      return this.buffers.lend(bytes, async (buffer) =>
        (await pack.read(record, from, buffer)) ? { seen: look(buffer) } : undefined,
      );
    return this.buffers.lend(record.payloadBytes, async (whole) => {
      if (!(await pack.read(record, 0, whole)) || crc32(whole) !== record.payloadCrc) return undefined;
      entry.verified = true;
      return { seen: look(whole.subarray(from, from + bytes)) };
    });
  }

  stats(): MemoryStoreStats {
    let tokens = 0;
    for (const { record } of this.entries.values()) tokens += record.tokens;
    const { hits, misses, evictions, lostBytes } = this;
    return {
      segments: this.entries.size,
      tokens,
      bytes: this.packs.bytes,
      hits,
      misses,
      evictions,
      lostBytes,
      buffers: this.buffers.made,
    };
  }

  /** Makes everything that was put durable and remembers what was used when. */
  flush(): Promise<void> {
    return this.writes.run(async () => {
      if (!this.stillWrites()) return;
      await this.packs.sync();
      await this.saveUsage();
    });
  }

  /**
   * Drops every memory, also in a process that does not write: the one that does finds its packs gone. Returns the
   * bytes freed.
   */
  clear(): Promise<number> {
    return this.writes.run(async () => {
      if (!this.options.mayWrite) return 0;
      const freed = this.packs.bytes;
      await this.packs.deleteAll();
      this.entries.clear();
      return freed;
    });
  }

  async close(): Promise<void> {
    await this.flush();
    await this.writes.run(async () => {
      await this.forgetAll();
      this.lock?.release();
      this.lock = undefined;
    });
  }

  /** Takes the least recently used records out until the live bytes fit, then rewrites packs that are mostly dead. */
  private async evict(): Promise<void> {
    const target = this.options.budgetBytes * EVICT_TO;
    let live = 0;
    for (const { record } of this.entries.values()) live += HEADER_BYTES + record.payloadBytes;
    const oldest = [...this.entries.values()].sort((a, b) => a.used - b.used);
    for (const { record } of oldest) {
      if (live <= target) break;
      live -= HEADER_BYTES + record.payloadBytes;
      this.entries.delete(record.key);
      this.evictions++;
      // Without a tombstone a restart would bring the record back.
      const pack = await this.packs.toWrite();
      await pack.append(
        { key: record.key, tokens: 0, coarseRows: 0, fineRows: 0, bytesPerRow: 0, tombstone: true },
        NOTHING,
      );
    }
    await this.compact();
  }

  /**
   * Rewrites packs with few live bytes, oldest first, while the files exceed the budget. Only the oldest pack's
   * tombstones may go with it: a younger pack's tombstone may still bar a record in an older one.
   */
  private async compact(): Promise<void> {
    const live = new Map<Pack, number>();
    for (const { record, pack } of this.entries.values())
      live.set(pack, (live.get(pack) ?? 0) + HEADER_BYTES + record.payloadBytes);
    for (const pack of this.packs.sealed()) {
      const share = (live.get(pack) ?? 0) / Math.max(1, pack.size);
      if (this.packs.bytes <= this.options.budgetBytes && share >= COMPACT_BELOW) break;
      await this.moveOut(pack);
    }
  }

  private async moveOut(pack: Pack): Promise<void> {
    for (const entry of [...this.entries.values()]) {
      if (entry.pack !== pack) continue;
      const { record } = entry;
      const moved = await this.buffers.lend(record.payloadBytes, async (whole) => {
        if (!(await pack.read(record, 0, whole)) || crc32(whole) !== record.payloadCrc) return undefined;
        const target = await this.packs.toWrite();
        return { record: await target.append(record, payloadOf(record, whole)), pack: target };
      });
      if (moved) this.entries.set(record.key, { ...entry, ...moved, verified: true });
      else this.entries.delete(record.key);
    }
    await this.packs.sync();
    await this.packs.delete(pack);
  }

  /** Order of use, oldest first: a hint that may be lost, so it is plain text without a checksum. */
  private async saveUsage(): Promise<void> {
    const order = [...this.entries.entries()]
      .filter(([, entry]) => entry.used > 0)
      .sort(([, a], [, b]) => a.used - b.used);
    const file = join(this.options.directory, 'usage');
    await writeFile(`${file}.new`, order.map(([key]) => key).join('\n'));
    await rename(`${file}.new`, file);
  }

  private async loadUsage(): Promise<void> {
    const text = await readFile(join(this.options.directory, 'usage'), 'utf8').catch(() => '');
    for (const key of text.split('\n')) {
      const entry = this.entries.get(key);
      if (entry) entry.used = ++this.clock;
    }
  }
}
