import { readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { AppError, errorCode, SerialQueue } from '../../base';
import { makeDirectory } from '../../base/node';
import { StoreLock } from '../../workspace';
import { Entries, type Entry } from './entries';
import { Eviction } from './eviction';
import { Packs } from './packs';
import { ReadBuffers } from './read-buffers';
import {
  encodeRecord,
  type MemoryPart,
  type MemoryPayload,
  type PackRecord,
  payloadBytes,
  payloadOf,
  placeOf,
} from './record';
import { loadUsage, saveUsage } from './usage';

export interface MemoryStoreOptions {
  directory: string;
  /** Maximum size on disk in bytes. */
  budgetBytes: number;
  /** Model id and revision, segmenter version, row format. Memories of another version are discarded. */
  version: string;
  /** False: reads only, even when no other process writes. */
  mayWrite?: boolean;
  /** Size in bytes at which a new pack begins. */
  packBytes?: number;
}

export interface MemoryStoreStats {
  segments: number;
  /** Tokens that all records represent. */
  tokens: number;
  /** Bytes of the pack files. */
  bytes: number;
  hits: number;
  misses: number;
  evictions: number;
  /** Bytes lost to an incomplete or damaged pack when the store was opened. */
  lostBytes: number;
  /** Number of read buffers allocated: the maximum of simultaneous reads. */
  buffers: number;
}

const DEFAULT_PACK_BYTES = 32 * 1024 * 1024;
/**
 * Maximum pack size as a fraction of the disk budget. The active pack is never compacted, so its dead records count
 * against the budget.
 */
const PACKS_IN_BUDGET = 16;

/**
 * Stores the compressed rows, token ids and vectors of passages of every segment of a workspace by content key. All
 * branches and windows share one store. One process writes and the others follow; another process takes over when the
 * writer exits. Records live in append-only packs. Parts of a record are read separately, into reused buffers.
 */
export class MemoryStore {
  private readonly entries = new Entries();
  private readonly buffers = new ReadBuffers();
  private readonly eviction: Eviction;
  private packs: Packs;
  /** Lock of the process that writes. */
  private lock: StoreLock | undefined;
  /** Error code that prevents this process from writing. Undefined when another process writes. */
  unwritable: string | undefined;
  private clock = 0;
  private hits = 0;
  private misses = 0;
  private evictions = 0;
  private lostBytes = 0;
  private readonly writes = new SerialQueue();

  private constructor(private readonly options: Required<MemoryStoreOptions>) {
    this.packs = this.newPacks();
    this.eviction = new Eviction(this.entries, this.buffers, options.budgetBytes);
  }

  static async open(options: MemoryStoreOptions): Promise<MemoryStore> {
    const store = new MemoryStore({
      packBytes: Math.min(DEFAULT_PACK_BYTES, options.budgetBytes / PACKS_IN_BUDGET),
      mayWrite: true,
      ...options,
    });
    try {
      await store.load();
      return store;
    } catch (error) {
      await store.end();
      throw error;
    }
  }

  // ── Writer and followers ────────────────────────────────────────────────────────────────────────────────────────

  /** Whether this process writes the store. */
  get writable(): boolean {
    return this.lock !== undefined;
  }

  /**
   * Applies the changes of other processes: records written, moved or evicted, a cleared store, an exited writer.
   * Resolves to whether the records have changed.
   */
  refresh(): Promise<boolean> {
    return this.writes.run(async () => {
      // Another process took over while this one was suspended.
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
      // Existing records can still be read.
      this.unwritable = (error as NodeJS.ErrnoException).code ?? String(error);
    }
  }

  /** Reads what is stored. A failing disk leaves the store empty and not writable until the next attempt. */
  private async load(): Promise<void> {
    if (!this.lock) this.takeLock();
    try {
      await this.loadNow();
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      await this.forgetAll();
      this.lock?.release();
      this.lock = undefined;
      this.unwritable = code;
    }
  }

  private async loadNow(): Promise<void> {
    const { directory, version } = this.options;
    if ((await this.storedVersion()) !== version) {
      if (!this.lock) return;
      await rm(directory, { recursive: true, force: true });
      makeDirectory(directory);
      await writeFile(`${this.versionFile}.new`, version);
      await rename(`${this.versionFile}.new`, this.versionFile);
    } else if (this.lock) {
      const now = new Date();
      await utimes(this.versionFile, now, now).catch(() => undefined);
    }
    await this.follow();
    await loadUsage(directory, this.entries, () => ++this.clock);
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

  /** @throws the disk's error: memories that cannot be read for now are not those of another version */
  private async storedVersion(): Promise<string | undefined> {
    try {
      return await readFile(this.versionFile, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  /** Returns false when another process took over because this one was suspended. */
  private stillWrites(): boolean {
    if (this.lock && !this.lock.touch()) this.lock = undefined;
    return this.writable;
  }

  // ── Records ─────────────────────────────────────────────────────────────────────────────────────────────────────

  has(key: string): boolean {
    return this.entries.has(key);
  }

  /** Records evicted since the store was opened. */
  get evicted(): number {
    return this.evictions;
  }

  /** Number of changes of the records so far. */
  get changes(): number {
    return this.entries.changes;
  }

  keys(): IterableIterator<string> {
    return this.entries.keys();
  }

  /** Returns the sizes of a record without reading it. */
  describe(
    key: string,
  ): Pick<PackRecord, 'tokens' | 'coarseRows' | 'restRows' | 'bytesPerRow' | 'fromTeam'> | undefined {
    return this.entries.get(key)?.record;
  }

  /**
   * Stores the memories of one segment. An existing key is left unchanged, because equal content gives equal bytes.
   * @param fromTeam another machine of the team has made the rows
   * @throws RangeError when the payload does not have the size of its rows
   */
  put(
    key: string,
    tokens: number,
    rows: { coarse: number; rest: number; bytesPerRow: number },
    payload: MemoryPayload,
    fromTeam = false,
  ): Promise<void> {
    return this.writes.run(async () => {
      if (this.entries.has(key) || !this.stillWrites()) return;
      const pack = await this.packs.toWrite();
      const rowBytes = (rows.coarse + rows.rest) * rows.bytesPerRow;
      if (payloadBytes(payload) !== payload.ids.byteLength + payload.passages.byteLength + rowBytes)
        throw new RangeError(`memories of ${key}: the payload does not have the size of its rows`);
      const record = await pack.append(
        {
          key,
          tokens,
          coarseRows: rows.coarse,
          restRows: rows.rest,
          bytesPerRow: rows.bytesPerRow,
          fromTeam,
        },
        payload,
      );
      this.entries.set(key, { record, pack, used: ++this.clock, verified: true });
      if (this.packs.bytes > this.options.budgetBytes) this.evictions += await this.eviction.evict(this.packs);
    });
  }

  /**
   * Returns the token ids, two bytes each, little-endian. Undefined when the key is absent or its record is damaged; a
   * damaged record is dropped.
   */
  ids(key: string): Promise<Uint8Array | undefined> {
    return this.use(key, 'ids', (bytes) => bytes.slice());
  }

  coarse(key: string): Promise<Uint8Array | undefined> {
    return this.use(key, 'coarse', (bytes) => bytes.slice());
  }

  /** Returns the fine rows that are not coarse rows. */
  rest(key: string): Promise<Uint8Array | undefined> {
    return this.use(key, 'rest', (bytes) => bytes.slice());
  }

  /** Returns a record with its header, as a pack of a team holds it. Undefined as for `ids`. */
  async record(key: string): Promise<Uint8Array | undefined> {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    const { pack, record } = entry;
    const whole = new Uint8Array(record.payloadBytes);
    if ((await pack.read(record, 0, whole)) && crc32(whole) === record.payloadCrc)
      return encodeRecord({ ...record, fromTeam: false }, payloadOf(record, whole));
    return this.entries.get(key) === entry ? undefined : this.record(key);
  }

  /**
   * Passes a part of a record to `read` in a shared buffer, which is valid until `read` returns. Undefined as for
   * `ids`.
   */
  async use<T>(key: string, part: MemoryPart, read: (bytes: Uint8Array) => T): Promise<T | undefined> {
    const entry = this.entries.get(key);
    if (!entry) {
      this.misses++;
      return undefined;
    }
    entry.used = ++this.clock;
    const found = await this.read(entry, part, read);
    if (found) {
      this.hits++;
      return found.value;
    }
    // Compaction may have moved the record during the read.
    if (this.entries.get(key) !== entry) return this.use(key, part, read);
    // Dropping the damaged record lets the segment be encoded again.
    this.entries.delete(key);
    this.misses++;
    return undefined;
  }

  /** Reads one part. An unverified record is read whole, once. */
  private read<T>(entry: Entry, part: MemoryPart, read: (bytes: Uint8Array) => T): Promise<{ value: T } | undefined> {
    const { pack, record, verified } = entry;
    const { from, bytes } = placeOf(part, record);
    if (verified)
      return this.buffers.lend(bytes, async (buffer) =>
        (await pack.read(record, from, buffer)) ? { value: read(buffer) } : undefined,
      );
    return this.buffers.lend(record.payloadBytes, async (whole) => {
      if (!(await pack.read(record, 0, whole)) || crc32(whole) !== record.payloadCrc) return undefined;
      entry.verified = true;
      return { value: read(whole.subarray(from, from + bytes)) };
    });
  }

  /** Whether so many more bytes fit without an eviction. */
  hasRoom(bytes: number): boolean {
    return this.packs.bytes + bytes < this.options.budgetBytes;
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

  /** Makes all records durable and saves the order of use. */
  flush(): Promise<void> {
    return this.writes.run(async () => {
      if (!this.stillWrites()) return;
      await this.packs.sync();
      await saveUsage(this.options.directory, this.entries);
    });
  }

  /** Deletes all records and returns the bytes freed. Any process may clear; the writer then finds its packs gone. */
  clear(): Promise<number> {
    return this.writes.run(async () => {
      if (!this.options.mayWrite) return 0;
      const freed = this.packs.bytes;
      await this.packs.deleteAll();
      this.entries.clear();
      return freed;
    });
  }

  /**
   * Flushes and closes the store.
   * @throws when the last records cannot be made durable; the store is closed anyway
   */
  async close(): Promise<void> {
    try {
      await this.flush();
    } catch (error) {
      throw new AppError(
        'storeUnwritable',
        `${this.options.directory}: the memories cannot be written (${errorCode(error) ?? String(error)})`,
        'Free some space and run the command again; it keeps the finished segments.',
        { cause: error },
      );
    } finally {
      await this.end();
    }
  }

  private end(): Promise<void> {
    return this.writes.run(async () => {
      try {
        await this.forgetAll();
      } finally {
        this.lock?.release();
        this.lock = undefined;
      }
    });
  }
}
