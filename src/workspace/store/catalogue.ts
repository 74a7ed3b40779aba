import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { SEGMENTER_VERSION } from '../segments/limits';
import type { Language, SegmentedDocument } from '../types';
import { type StoreError, toStoreError } from './errors';
import { DISK, frame, framedBytes, type LogFiles, readLog, readRecord, type RecordPlace } from './record-log';
import { decodeSegmented, encodeSegmented, SEGMENTED_FORMAT } from './segmented-codec';

/** One indexed file: its state on disk, the hash of its text, and the key of its segments. */
export interface CatalogueEntry {
  /** Workspace path. */
  path: string;
  size: number;
  mtimeMs: number;
  /** sha256 (hex) of the decoded text. */
  hash: string;
  language: Language;
  /** Number of segments, and of UTF-16 units of text, for the status. */
  segments: number;
  characters: number;
  /** True when bytes that are not UTF-8 were replaced. */
  replaced?: boolean;
  /** The text is a private key; it stays only while the setting indexes secrets. */
  secret?: boolean;
  /** Encoding that was detected, where the text is not Unicode; `sure` is false where another is nearly as likely. */
  encoding?: { name: string; sure: boolean };
}

const enum Kind {
  Header = 0,
  Segmented = 1,
  Files = 2,
  Removed = 3,
}

/** The catalogue's file in its directory. */
export const LOG_FILE = 'documents.log';

/** Version of the stored records. Each version has its own folder (folders.ts); a log of another one is replaced. */
export const CATALOGUE_VERSION = JSON.stringify({
  format: 2,
  segmented: SEGMENTED_FORMAT,
  segmenter: SEGMENTER_VERSION,
});

/** Unused segmented documents are kept for a return to a branch, up to this share of those in use. */
const KEEP_DEAD = 0.5;
const COMPACT_FROM_BYTES = 1 << 20;
const RETRY_MS = 5_000;
/** Files that are listed before other work gets a turn: a few milliseconds. */
const TURN_FILES = 2_000;

interface WrittenRecord {
  bytes: number;
  key: string | undefined;
}

type Blob = { bytes: Uint8Array } | { place: RecordPlace };

/**
 * The files of a workspace and their segments, in one log. Segmented documents are stored by content (text hash and
 * language). A file that reappears, on another branch or under another name, is not segmented again. Records that
 * cannot be written stay in memory for the next attempt.
 */
export class Catalogue {
  readonly entries = new Map<string, CatalogueEntry>();
  /** Sums over all entries: the status asks for them several times a second. */
  readonly totals = { size: 0, segments: 0 };
  private readonly blobs = new Map<string, Blob>();
  /** Framed records to be written, with the keys of the blobs among them. */
  private pending: { record: Buffer; key?: string }[] = [];
  private end = 0;
  private writing: Promise<void> = Promise.resolve();
  private failedAt = 0;
  /** The last failure to write. Cleared by a successful write. */
  failure: StoreError | undefined;
  /** Why the stored data had to be rebuilt; undefined if it did not. */
  rebuilt: string | undefined;
  /** Unusable bytes of the log when it was opened. */
  damagedBytes = 0;

  private constructor(
    private readonly file: string | undefined,
    private readonly files: LogFiles,
  ) {}

  /** Creates a catalogue without a store. */
  static inMemory(): Catalogue {
    return new Catalogue(undefined, DISK);
  }

  /** Opens `documents.log` in a directory. A log of another version is replaced by an empty one. */
  static open(directory: string, files: LogFiles = DISK): Catalogue {
    const catalogue = new Catalogue(join(directory, LOG_FILE), files);
    catalogue.load();
    return catalogue;
  }

  /** Opens the log of another process. What is added stays in memory. */
  static openShared(directory: string): Catalogue {
    const catalogue = Catalogue.open(directory);
    catalogue.detach();
    return catalogue;
  }

  private load(): void {
    const { records, end, damagedBytes } = readLog(this.file as string);
    this.damagedBytes = damagedBytes;
    const header = records[0];
    if (!header || header.payload[0] !== Kind.Header || header.payload.toString('utf8', 1) !== CATALOGUE_VERSION) {
      if (end > 0 || damagedBytes > 0)
        this.rebuilt =
          header?.payload[0] === Kind.Header
            ? 'the index was created by another version'
            : 'the beginning of the index was damaged';
      this.restart();
      return;
    }
    for (const { offset, length, payload } of records.slice(1)) {
      const kind = payload[0];
      if (kind === Kind.Segmented)
        this.blobs.set(payload.toString('latin1', 2, 2 + (payload[1] ?? 0)), { place: { offset, length } });
      else if (kind === Kind.Files) for (const entry of parse<CatalogueEntry[]>(payload)) this.set(entry);
      else if (kind === Kind.Removed) for (const path of parse<string[]>(payload)) this.delete(path);
    }
    this.end = end;
    // A file without its segments is segmented again.
    for (const entry of this.entries.values()) if (!this.blobs.has(keyOf(entry))) this.delete(entry.path);
  }

  private set(entry: CatalogueEntry): void {
    this.count(this.entries.get(entry.path), -1);
    this.entries.set(entry.path, entry);
    this.count(entry, 1);
  }

  private delete(path: string): boolean {
    this.count(this.entries.get(path), -1);
    return this.entries.delete(path);
  }

  private count(entry: CatalogueEntry | undefined, sign: 1 | -1): void {
    this.totals.size += sign * (entry?.size ?? 0);
    this.totals.segments += sign * (entry?.segments ?? 0);
  }

  private restart(): void {
    this.end = 0;
    this.pending = [{ record: frame(payloadOf(Kind.Header, Buffer.from(CATALOGUE_VERSION))) }];
  }

  /** Size of the store in bytes. */
  get bytes(): number {
    return this.end;
  }

  has(hash: string, language: Language): boolean {
    return this.blobs.has(keyOf({ hash, language }));
  }

  /** Returns the segments of a text. Undefined when they are unknown or their record is damaged. */
  segmented(hash: string, language: Language): SegmentedDocument | undefined {
    const key = keyOf({ hash, language });
    const blob = this.blobs.get(key);
    if (!blob) return undefined;
    try {
      const bytes = 'bytes' in blob ? blob.bytes : this.storedBytes(key, blob.place);
      if (bytes) return decodeSegmented(bytes);
    } catch {
      // Falls through: a damaged record counts as missing.
    }
    this.blobs.delete(key);
    return undefined;
  }

  /** The record of a key. A log that another process has rewritten may have another record in its place. */
  private storedBytes(key: string, place: RecordPlace): Uint8Array | undefined {
    const payload = readRecord(this.file as string, place);
    const head = Buffer.from([Kind.Segmented, key.length, ...Buffer.from(key, 'latin1')]);
    return payload?.subarray(0, head.length).equals(head) ? payload.subarray(head.length) : undefined;
  }

  /** Records a file. `segmented` (or its encoded bytes) may be omitted when the text is already known. */
  put(entry: CatalogueEntry, segmented?: SegmentedDocument | Uint8Array): void {
    const key = keyOf(entry);
    if (segmented && !this.blobs.has(key)) {
      const bytes = segmented instanceof Uint8Array ? segmented : encodeSegmented(segmented);
      this.blobs.set(key, { bytes });
      if (this.file !== undefined && !this.detached)
        this.pending.push({
          record: frame(
            payloadOf(Kind.Segmented, Buffer.concat([Buffer.from([key.length]), Buffer.from(key, 'latin1'), bytes])),
          ),
          key,
        });
    }
    this.set(entry);
    this.queue(Kind.Files, [entry]);
  }

  remove(path: string): boolean {
    if (!this.delete(path)) return false;
    this.queue(Kind.Removed, [path]);
    return true;
  }

  private queue(kind: Kind, value: unknown): void {
    if (this.file !== undefined && !this.detached)
      this.pending.push({ record: frame(payloadOf(kind, Buffer.from(JSON.stringify(value)))) });
  }

  /** Stops all writing, because the store belongs to another process. */
  detach(): void {
    this.detached = true;
    this.pending = [];
  }
  private detached = false;

  /** Writes pending records. A failure is recorded in `failure`, and the records stay in memory. Never rejects. */
  flush(force = false): Promise<void> {
    this.writing = this.writing.then(async () => {
      const { file } = this;
      if (
        file === undefined ||
        this.detached ||
        this.pending.length === 0 ||
        (!force && this.failure && Date.now() - this.failedAt < RETRY_MS)
      )
        return;
      const batch = this.pending;
      this.pending = [];
      try {
        const start = this.end;
        await this.files.write(file, start, Buffer.concat(batch.map(({ record }) => record)));
        this.settle(
          batch.map(({ record, key }) => ({ bytes: record.length, key })),
          start,
        );
        this.failure = undefined;
      } catch (error) {
        this.pending = [...batch, ...this.pending];
        if ((error as NodeJS.ErrnoException).code === 'ENOENT' && this.end > 0) this.beginAgain();
        this.failure = toStoreError(error, file);
        this.failedAt = Date.now();
      }
    });
    return this.writing;
  }

  /**
   * The log was deleted while open. Records in memory are written to a new log; the other files are segmented again.
   */
  private beginAgain(): void {
    const waiting = this.pending.filter(({ key }) => key !== undefined);
    for (const [key, blob] of this.blobs) if ('place' in blob) this.blobs.delete(key);
    this.restart();
    this.pending.push(...waiting);
    this.queue(
      Kind.Files,
      [...this.entries.values()].filter((entry) => this.blobs.has(keyOf(entry))),
    );
  }

  /** Written blobs are read from the file from now on. `bytes` are the lengths of the records. */
  private settle(records: readonly WrittenRecord[], start: number): void {
    let position = start;
    for (const { bytes, key } of records) {
      if (key !== undefined && this.blobs.has(key))
        this.blobs.set(key, { place: { offset: position + framedBytes(0), length: bytes - framedBytes(0) } });
      position += bytes;
    }
    this.end = position;
  }

  /**
   * Rewrites the log without unused records, once they are a large part of it. Atomic: a crash leaves the old log.
   * Never rejects.
   */
  compact(): Promise<void> {
    this.writing = this.writing.then(async () => {
      const { file } = this;
      if (file === undefined || this.detached || this.pending.length > 0 || this.end < COMPACT_FROM_BYTES) return;
      const kept = await this.keysToKeep();
      if (!kept) return;
      const stored = [...this.blobs].flatMap(([key, blob]) => ('place' in blob ? key : []));
      const written: WrittenRecord[] = [];
      try {
        await this.files.replace(file, this.compacted(file, kept, written));
        const keptKeys = new Set(kept);
        for (const key of stored) if (!keptKeys.has(key)) this.blobs.delete(key);
        this.settle(written, 0);
      } catch (error) {
        this.failure = toStoreError(error, file);
        this.failedAt = Date.now();
      }
    });
    return this.writing;
  }

  /** Keys of the records that a compacted log has, in order. Undefined while few are unused. */
  private async keysToKeep(): Promise<string[] | undefined> {
    const used = new Set<string>();
    let live = 0;
    let files = 0;
    for (const entry of this.entries.values()) {
      const key = keyOf(entry);
      if (!used.has(key)) live += this.storedBytesOf(key);
      used.add(key);
      if (++files % TURN_FILES === 0) await setImmediate();
    }
    if (this.end - live < Math.max(COMPACT_FROM_BYTES, live * (KEEP_DEAD + 0.5))) return undefined;
    // The newest unused records are the likeliest to return with a branch.
    let room = live * KEEP_DEAD;
    return [...this.blobs.keys()]
      .reverse()
      .filter((key) => used.has(key) || (room -= this.storedBytesOf(key)) > 0)
      .reverse();
  }

  private storedBytesOf(key: string): number {
    const blob = this.blobs.get(key);
    return blob && 'place' in blob ? framedBytes(blob.place.length) : 0;
  }

  /** Yields the records of a compacted log, and lists them in `written`. */
  private async *compacted(
    file: string,
    kept: readonly string[],
    written: WrittenRecord[],
  ): AsyncGenerator<Uint8Array> {
    const listed = (record: Buffer, key?: string): Buffer => {
      written.push({ bytes: record.length, key });
      return record;
    };
    yield listed(frame(payloadOf(Kind.Header, Buffer.from(CATALOGUE_VERSION))));
    for (const key of kept) {
      const blob = this.blobs.get(key);
      const payload = blob && 'place' in blob ? readRecord(file, blob.place) : undefined;
      if (payload) yield listed(frame(payload), key);
      else if (blob && 'place' in blob) this.blobs.delete(key);
    }
    const entries = [...this.entries.values()];
    for (let from = 0; from < entries.length; from += TURN_FILES) {
      const part = Buffer.from(JSON.stringify(entries.slice(from, from + TURN_FILES)));
      yield listed(frame(payloadOf(Kind.Files, part)));
      await setImmediate();
    }
  }

  /** Deletes everything, on disk too. Returns the bytes freed. */
  async clear(): Promise<number> {
    await this.writing;
    const freed = this.end;
    this.entries.clear();
    Object.assign(this.totals, { size: 0, segments: 0 });
    this.blobs.clear();
    this.restart();
    await this.flush(true);
    return Math.max(0, freed - this.end);
  }

  async close(): Promise<void> {
    await this.flush(true);
  }
}

function keyOf({ hash, language }: { hash: string; language: Language }): string {
  // Half of a sha256 is enough to distinguish texts.
  return `${hash.slice(0, 32)}.${language.slice(0, 100)}`;
}

function payloadOf(kind: Kind, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([kind]), body]);
}

function parse<T>(payload: Buffer): T {
  return JSON.parse(payload.toString('utf8', 1)) as T;
}
