import { readdir, readFile, rm, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { makeDirectory } from '../store/make-directory';
import { HEADER_BYTES, Pack, payloadBytes, type MemoryPayload, type PackRecord } from './pack';

/**
 * The memories of every segment of a workspace, by content: a coarse and a fine set of key/value rows, a vector and the token ids.
 * One store serves all branches. Records live in append-only packs; when the byte budget is reached the least recently
 * used are taken out, and a pack that is mostly dead is rewritten. Readers get bytes into their own buffers.
 */

export interface MemoryStoreOptions {
  directory: string;
  /** Bytes on disk the store may take. */
  budgetBytes: number;
  /** Model id and revision, segmenter version, row format: memories of another version are discarded, never mixed. */
  version: string;
  /** False when another window holds the store: read what is there, write nothing. */
  writable: boolean;
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
/** Of a small budget a pack is at most this part: the one that is written to is never rewritten, so what is dead in it counts. */
const PACKS_IN_BUDGET = 16;
/** A sealed pack with less than this share of live bytes is rewritten. */
const COMPACT_BELOW = 0.5;
/** Evict to this share of the budget, so that each new segment does not evict anew. */
const EVICT_TO = 0.9;

export class MemoryStore {
  private readonly entries = new Map<string, Entry>();
  private readonly packs = new Map<number, Pack>();
  private active: Pack | undefined;
  private clock = 0;
  private hits = 0;
  private misses = 0;
  private evictions = 0;
  private lostBytes = 0;
  /** Whole records are read into it to be checked; taken while one is. */
  private scratch: Uint8Array | undefined;
  /** Writes happen one after the other. */
  private writing: Promise<unknown> = Promise.resolve();

  private constructor(private readonly options: Required<MemoryStoreOptions>) {}

  static async open(options: MemoryStoreOptions): Promise<MemoryStore> {
    const store = new MemoryStore({ packBytes: Math.min(DEFAULT_PACK_BYTES, options.budgetBytes / PACKS_IN_BUDGET), ...options });
    await store.load();
    return store;
  }

  private async load(): Promise<void> {
    const { directory, version, writable } = this.options;
    const versionFile = join(directory, 'version');
    const known = await readFile(versionFile, 'utf8').catch(() => undefined);
    if (known !== version) {
      if (!writable) return;
      await rm(directory, { recursive: true, force: true });
      makeDirectory(directory);
      await writeFile(`${versionFile}.new`, version);
      await rename(`${versionFile}.new`, versionFile);
    }
    const ids = (await readdir(directory)).map((name) => /^(\d+)\.pack$/.exec(name)?.[1]).filter((id) => id !== undefined);
    for (const id of ids.map(Number).sort((a, b) => a - b)) {
      const { pack, records, lostBytes } = await Pack.open(id, this.packFile(id), writable);
      this.packs.set(id, pack);
      this.lostBytes += lostBytes;
      for (const record of records) {
        if (record.tombstone) this.entries.delete(record.key);
        else this.entries.set(record.key, { record, pack, used: 0, verified: false });
      }
      this.active = pack;
    }
    await this.loadUsage();
  }

  private packFile(id: number): string {
    return join(this.options.directory, `${id}.pack`);
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
  describe(key: string): Pick<PackRecord, 'tokens' | 'coarseRows' | 'fineRows' | 'bytesPerRow' | 'vectorBytes'> | undefined {
    return this.entries.get(key)?.record;
  }

  /** Keeps the memories of one segment. A key that is present is left as it is: content decides the bytes. */
  put(key: string, tokens: number, rows: { coarse: number; fine: number; bytesPerRow: number }, payload: MemoryPayload): Promise<void> {
    return this.exclusive(async () => {
      if (!this.options.writable || this.entries.has(key)) return;
      const pack = await this.packToWrite();
      const described = { key, tokens, coarseRows: rows.coarse, fineRows: rows.fine, bytesPerRow: rows.bytesPerRow, tombstone: false };
      if (payloadBytes(payload) !== payload.vector.byteLength + payload.ids.byteLength + (rows.coarse + rows.fine) * rows.bytesPerRow) {
        throw new RangeError(`memories of ${key}: the payload has not the size its rows tell`);
      }
      const record = await pack.append(described, payload);
      this.entries.set(key, { record, pack, used: ++this.clock, verified: true });
      if (this.bytes() > this.options.budgetBytes) await this.evict();
    });
  }

  /** The vector's bytes, or undefined when the key is absent or its record is harmed (it is dropped then). */
  vector(key: string): Promise<Uint8Array | undefined> {
    return this.readPart(key, (record) => ({ from: 0, bytes: record.vectorBytes }));
  }

  /** Token ids, two bytes each, little-endian. */
  ids(key: string): Promise<Uint8Array | undefined> {
    return this.readPart(key, (record) => ({ from: record.vectorBytes, bytes: record.idBytes }));
  }

  coarse(key: string): Promise<Uint8Array | undefined> {
    return this.readPart(key, (record) => ({ from: record.vectorBytes + record.idBytes, bytes: record.coarseRows * record.bytesPerRow }));
  }

  fine(key: string): Promise<Uint8Array | undefined> {
    return this.readPart(key, (record) => {
      const from = record.vectorBytes + record.idBytes + record.coarseRows * record.bytesPerRow;
      return { from, bytes: record.fineRows * record.bytesPerRow };
    });
  }

  private async readPart(key: string, part: (record: PackRecord) => { from: number; bytes: number }): Promise<Uint8Array | undefined> {
    const entry = this.entries.get(key);
    if (!entry) {
      this.misses++;
      return undefined;
    }
    entry.used = ++this.clock;
    const { from, bytes } = part(entry.record);
    if (entry.verified) {
      const target = new Uint8Array(bytes);
      if (await entry.pack.read(entry.record, from, target)) {
        this.hits++;
        return target;
      }
    } else {
      const found = await this.readChecked(entry, from, bytes);
      if (found) {
        entry.verified = true;
        this.hits++;
        return found;
      }
    }
    // A rewrite of its pack may have moved the record while it was being read.
    if (this.entries.get(key) !== entry) return this.readPart(key, part);
    // Harmed on disk: forget it, so that the segment is encoded again.
    this.entries.delete(key);
    this.misses++;
    return undefined;
  }

  /** A part of a record whose checksum has not been seen to hold: all of it is read once. Callers keep what they get, so the part is copied out. */
  private async readChecked({ pack, record }: Entry, from: number, bytes: number): Promise<Uint8Array | undefined> {
    const kept = this.scratch;
    this.scratch = undefined;
    const buffer = kept && kept.byteLength >= record.payloadBytes ? kept : new Uint8Array(record.payloadBytes);
    const whole = buffer.subarray(0, record.payloadBytes);
    const holds = (await pack.read(record, 0, whole)) && crc32(whole) === record.payloadCrc;
    const part = holds ? whole.slice(from, from + bytes) : undefined;
    this.scratch = buffer;
    return part;
  }

  stats(): MemoryStoreStats {
    let tokens = 0;
    for (const { record } of this.entries.values()) tokens += record.tokens;
    const { hits, misses, evictions, lostBytes } = this;
    return { segments: this.entries.size, tokens, bytes: this.bytes(), hits, misses, evictions, lostBytes };
  }

  /** Makes everything that was put durable and remembers what was used when. */
  flush(): Promise<void> {
    return this.exclusive(async () => {
      if (!this.options.writable) return;
      await this.active?.sync();
      await this.saveUsage();
    });
  }

  /** Drops every memory; returns the bytes freed. */
  clear(): Promise<number> {
    return this.exclusive(async () => {
      if (!this.options.writable) return 0;
      const freed = this.bytes();
      for (const pack of this.packs.values()) await this.deletePack(pack);
      this.entries.clear();
      this.active = undefined;
      return freed;
    });
  }

  async close(): Promise<void> {
    await this.flush();
    await this.exclusive(async () => {
      for (const pack of this.packs.values()) await pack.close();
      this.packs.clear();
      this.entries.clear();
    });
  }

  private exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.writing.then(work);
    this.writing = result.catch(() => undefined);
    return result;
  }

  private bytes(): number {
    let bytes = 0;
    for (const pack of this.packs.values()) bytes += pack.size;
    return bytes;
  }

  private async packToWrite(): Promise<Pack> {
    if (this.active && this.active.size < this.options.packBytes) return this.active;
    await this.active?.sync();
    const id = Math.max(0, ...this.packs.keys()) + 1;
    const { pack } = await Pack.open(id, this.packFile(id), true);
    this.packs.set(id, pack);
    this.active = pack;
    return pack;
  }

  /** Takes the least recently used records out until the live bytes fit, then rewrites packs that are mostly dead. */
  private async evict(): Promise<void> {
    const target = this.options.budgetBytes * EVICT_TO;
    let live = 0;
    for (const { record } of this.entries.values()) live += HEADER_BYTES + record.payloadBytes;
    const oldest = [...this.entries.values()].sort((a, b) => a.used - b.used);
    const nothing = { vector: new Uint8Array(0), ids: new Uint8Array(0), coarse: new Uint8Array(0), fine: new Uint8Array(0) };
    for (const { record } of oldest) {
      if (live <= target) break;
      live -= HEADER_BYTES + record.payloadBytes;
      this.entries.delete(record.key);
      this.evictions++;
      // Without a tombstone a restart would bring the record back.
      const pack = await this.packToWrite();
      await pack.append({ key: record.key, tokens: 0, coarseRows: 0, fineRows: 0, bytesPerRow: 0, tombstone: true }, nothing);
    }
    await this.compact();
  }

  /**
   * Rewrites packs with few live bytes, oldest first, while the files exceed the budget. Only the oldest pack's
   * tombstones may go with it: a younger pack's tombstone may still bar a record in an older one.
   */
  private async compact(): Promise<void> {
    const live = new Map<Pack, number>();
    for (const { record, pack } of this.entries.values()) live.set(pack, (live.get(pack) ?? 0) + HEADER_BYTES + record.payloadBytes);
    for (const pack of [...this.packs.values()].sort((a, b) => a.id - b.id)) {
      const share = (live.get(pack) ?? 0) / Math.max(1, pack.size);
      const overBudget = this.bytes() > this.options.budgetBytes;
      if (pack === this.active || !(overBudget || share < COMPACT_BELOW)) break;
      await this.moveOut(pack);
    }
  }

  private async moveOut(pack: Pack): Promise<void> {
    for (const entry of [...this.entries.values()]) {
      if (entry.pack !== pack) continue;
      const { record } = entry;
      const whole = new Uint8Array(record.payloadBytes);
      if (!(await pack.read(record, 0, whole)) || crc32(whole) !== record.payloadCrc) {
        this.entries.delete(record.key);
        continue;
      }
      const target = await this.packToWrite();
      const { vectorBytes, idBytes } = record;
      const payload = { vector: whole.subarray(0, vectorBytes), ids: whole.subarray(vectorBytes, vectorBytes + idBytes), coarse: whole.subarray(vectorBytes + idBytes), fine: new Uint8Array(0) };
      this.entries.set(record.key, { ...entry, record: await target.append(record, payload), pack: target, verified: true });
    }
    await this.active?.sync();
    await this.deletePack(pack);
  }

  private async deletePack(pack: Pack): Promise<void> {
    this.packs.delete(pack.id);
    await pack.close();
    await unlink(pack.file);
  }

  /** Order of use, oldest first: a hint that may be lost, so it is plain text without a checksum. */
  private async saveUsage(): Promise<void> {
    const order = [...this.entries.entries()].filter(([, entry]) => entry.used > 0).sort(([, a], [, b]) => a.used - b.used);
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
