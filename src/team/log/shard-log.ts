/**
 * One log of the team: numbered entries that nobody overwrites. Writing an entry under a free number is the commit
 * point of everything it names. A head is a snapshot that saves reading the entries one by one; nothing depends on it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { listAll, type ObjectStore, ObjectStoreError } from '../objects/object-store';
import { decodeEntry, encodeEntry, type EntryKind, type LogEntry } from './entry';
import { decodeHead, encodeHead, type Head } from './head';
import type { Signer, Trust } from './team-keys';

/** Entries after a head from which a new head is written. */
const HEAD_EVERY = 8;
/** Times that an entry which arrives damaged is read again, before it is taken for damaged in the store. */
const MOST_READS = 3;
/** Numbers that a writer tries before it gives up: so many others commit at the same moment. */
const MOST_APPENDS = 1_000;
/** Times that a write may be refused although its number is free, and the longest wait (ms) after the first time. */
const MOST_REFUSALS = 8;
const REFUSED_MS = 100;
const DIGITS = 8;

export interface LogOptions {
  store: ObjectStore;
  /** Folder of the version (`0123abcd`), which has `log/` and `head/`. */
  version: string;
  /** Name of the log: a shard, or a repository's index. */
  name: string;
  trust: Trust;
  signer?: Signer | undefined;
}

export class ShardLog {
  /** Entries that count, in order. */
  readonly entries: LogEntry[] = [];
  /** The first number that was not found yet. */
  next = 0;
  /** Bytes of the log that were read. */
  bytes = 0;
  /** Numbers of entries that did not arrive whole, with the times they were read. */
  private readonly damaged = new Map<number, number>();
  /** Numbers of entries that nobody we trust has written. */
  private readonly strange = new Set<number>();
  private headSeq = -1;
  private headTag: string | undefined;

  constructor(private readonly options: LogOptions) {}

  get name(): string {
    return this.options.name;
  }

  /** Takes entries from a cache on this machine, as a head has them. */
  restore(bytes: Uint8Array): void {
    const head = decodeHead(bytes);
    if (head) this.takeHead(head);
  }

  /**
   * State that `restore` takes. An entry that this process could not read or does not trust is empty: whoever reads
   * the snapshot reads that entry for itself, so that none is lost.
   */
  snapshot(): Uint8Array {
    const others = [...this.damaged.keys(), ...this.strange].map((seq) => ({ seq, raw: new Uint8Array(0) }));
    const entries = [...this.entries, ...others].sort((a, b) => a.seq - b.seq);
    return encodeHead({ next: this.next, entries });
  }

  get untrusted(): number {
    return this.strange.size;
  }

  /**
   * Reads what was committed since the last call. Returns the new entries.
   * @throws ObjectStoreError
   */
  async refresh(signal?: AbortSignal): Promise<LogEntry[]> {
    const before = this.entries.length;
    if (this.next === 0) await this.readHead(signal);
    await this.readAgain(signal);
    if (this.next === 0) await this.listAll(signal);
    while (await this.readNext(this.next, signal)) this.next += 1;
    return this.entries.slice(before);
  }

  /**
   * Commits an entry: writes it under the first free number.
   * @returns the entry
   * @throws ObjectStoreError
   */
  async append(kind: EntryKind, body: Uint8Array, signal?: AbortSignal): Promise<LogEntry> {
    const { store, signer } = this.options;
    let refused = 0;
    for (let tried = 0; tried < MOST_APPENDS; tried++) {
      const seq = this.next;
      const raw = encodeEntry(kind, body, this.place(seq), signer);
      const written = await store.put(this.entryName(seq), raw, { ifAbsent: true, signal });
      if (written !== 'conflict') return this.committed(raw, seq);
      // Our own write, whose answer was lost, or another writer's.
      const present = await store.get(this.entryName(seq), { signal });
      if (present && Buffer.compare(present.bytes, raw) === 0) return this.committed(raw, seq);
      if (!present) {
        // Two writes at the same moment, and the store has refused both; or a store that is not true to its word.
        if (++refused > MOST_REFUSALS) break;
        await sleep(REFUSED_MS * refused * Math.random(), undefined, signal ? { signal } : {});
        continue;
      }
      refused = 0;
      this.take(present.bytes, seq);
      this.next = seq + 1;
    }
    throw new ObjectStoreError('busy', `${store.address} accepts no entry in the log ${this.options.name}`);
  }

  private committed(raw: Uint8Array, seq: number): LogEntry {
    this.next = seq + 1;
    const entry = decodeEntry(raw, seq, this.place(seq), this.options.trust);
    // A writer whom its own settings do not trust.
    if (typeof entry === 'string') {
      this.strange.add(seq);
      return { seq, kind: 0 as EntryKind, body: new Uint8Array(0), raw };
    }
    this.entries.push(entry);
    return entry;
  }

  /** Writes a head when enough entries have no head yet. Failing to do so does no harm. */
  async writeHead(signal?: AbortSignal): Promise<void> {
    const { store } = this.options;
    if (this.next - 1 - this.headSeq < HEAD_EVERY) return;
    const name = this.headName;
    const condition = this.headTag === undefined ? { ifAbsent: true } : { ifTag: this.headTag };
    const written = await store.put(name, this.snapshot(), { ...condition, signal }).catch(() => 'conflict' as const);
    if (written === 'conflict') {
      // Another writer's head is as good as ours.
      this.headTag = (await store.get(name, { signal }).catch(() => undefined))?.tag;
      return;
    }
    this.headTag = written.tag;
    this.headSeq = this.next - 1;
  }

  private async readHead(signal: AbortSignal | undefined): Promise<void> {
    const found = await this.options.store.get(this.headName, { signal });
    if (!found) return;
    this.headTag = found.tag;
    const head = decodeHead(found.bytes);
    if (!head) return;
    this.takeHead(head);
    this.headSeq = this.next - 1;
  }

  private takeHead({ next, entries }: Head): void {
    for (const { seq, raw } of entries) this.take(raw, seq);
    // A head may claim more than it has, to hide what is committed. It is believed as far as its entries go.
    this.next = Math.min(next, (this.entries.at(-1)?.seq ?? -1) + 1);
    for (const seq of this.damaged.keys()) if (seq >= this.next) this.damaged.delete(seq);
  }

  /** Reads a log without a head. Listing also finds entries behind a gap: a rule of the bucket may remove old ones. */
  private async listAll(signal: AbortSignal | undefined): Promise<void> {
    for await (const { name } of listAll(this.options.store, this.folder, signal)) {
      const seq = Number(name.slice(this.folder.length));
      if (!Number.isInteger(seq) || seq < this.next || this.entryName(seq) !== name) continue;
      // Listed and yet not found: it is read again later.
      if (!(await this.readNext(seq, signal))) this.damaged.set(seq, 0);
      this.next = seq + 1;
    }
  }

  /** Returns false where there is no such entry yet. */
  private async readNext(seq: number, signal: AbortSignal | undefined): Promise<boolean> {
    const found = await this.options.store.get(this.entryName(seq), { signal });
    if (!found) return false;
    this.take(found.bytes, seq);
    return true;
  }

  private async readAgain(signal: AbortSignal | undefined): Promise<void> {
    for (const [seq, reads] of [...this.damaged]) if (reads < MOST_READS) await this.readNext(seq, signal);
  }

  private take(raw: Uint8Array, seq: number): void {
    this.bytes += raw.byteLength;
    const entry = decodeEntry(raw, seq, this.place(seq), this.options.trust);
    if (entry === 'damaged') this.damaged.set(seq, (this.damaged.get(seq) ?? 0) + 1);
    else this.damaged.delete(seq);
    if (entry === 'untrusted') this.strange.add(seq);
    if (typeof entry === 'string') return;
    this.entries.push(entry);
  }

  private place(seq: number): string {
    return `${this.options.version}/${this.options.name}/${seq}`;
  }

  private get folder(): string {
    return `${this.options.version}/log/${this.options.name}/`;
  }

  private entryName(seq: number): string {
    return `${this.folder}${String(seq).padStart(DIGITS, '0')}`;
  }

  private get headName(): string {
    return `${this.options.version}/head/${this.options.name}`;
  }
}
