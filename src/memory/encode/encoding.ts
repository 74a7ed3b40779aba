import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Standstill } from '../../protocol';
import type { Workspace } from '../../workspace';
import type { MemoryStore } from '../store/memory-store';
import { EncodingQueue } from './encoding-queue';
import {
  budgetFull,
  type EncodingStatus,
  inTeam,
  otherWindow,
  paused,
  standstillAfter,
  unwritable,
} from './encoding-status';
import { unitsOf, type EncodingUnit } from './encoding-units';
import { encodeAndStore, type SegmentCoder } from './segment-coder';
import type { SharedRows } from './shared-rows';

export type EncodingWorkspace = Pick<Workspace, 'documents' | 'indexed'>;

export interface EncodingOptions {
  workspace: EncodingWorkspace;
  store: MemoryStore;
  coder: SegmentCoder;
  /** Rows that a team has computed; read before anything is encoded. */
  shared?: SharedRows;
  /** Awaited before each batch, so that a pending answer goes first. */
  yieldToForeground?: () => Promise<void>;
  /** Called when the status has changed. */
  changed?: () => void;
  warn?: (message: string) => void;
  /** Characters encoded at once. Default: 12,000, about a second for a small model on two cores. */
  batchCharacters?: number;
  /** Delay between a change and the pass after it, in milliseconds; tests shorten it. */
  settleMs?: number;
  retryMs?: number;
  followMs?: number;
}

interface Batch {
  texts: string[];
  keys: string[];
  /** Paths of the documents that contain the texts. */
  paths: Set<string>;
  characters: number;
}

const BATCH_CHARACTERS = 12_000;
const SETTLE_MS = 500;
const RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;
/** Interval (ms) at which a process that does not write looks for new records. */
const FOLLOW_MS = 2_000;
/** Interval (ms) at which `untilCounted` checks the count. */
const COUNTED_MS = 20;
/** Time (ms) for which documents are cut before other work gets a turn. */
const CUT_MS = 10;
/** A list that took longer (ms) is made anew only after so many times its time. */
const LONG_LIST_MS = 50;
const LIST_SHARE = 20;
/** Batches between two flushes of the store. The end of a pass flushes too. */
const FLUSH_BATCHES = 16;
/** Minimum time (ms) between two counts of all segments. */
const COUNT_MS = 1_000;

/**
 * Keeps the memories of a workspace up to date in the background. Every segment of every indexed document is encoded
 * once, by content: open files first, then recent changes, then the rest.
 *
 * All documents are cut before the rest is encoded, which takes seconds. From then on the missing segments are known
 * exactly and all stored ones can be used. Encoding can be paused and closed at any moment: stored segments are kept,
 * the others are encoded later. A process that does not write the store follows the one that does.
 */
export class MemoryEncoding {
  private readonly queue = new EncodingQueue();
  private batch = emptyBatch();
  /** Batches encoded in this pass. */
  private batches = 0;
  /** Keys that a team has and for which there is no room here. */
  private elsewhere: ReadonlySet<string> = new Set();
  private paused = false;
  private wake: (() => void) | undefined;
  private running: Promise<void> | undefined;
  /** A change was reported while a pass ran. */
  private again = false;
  private timer: NodeJS.Timeout | undefined;
  /** Time of the scheduled pass, ms since the epoch. */
  private due = Infinity;
  private yieldedAt = 0;
  /** While a large workspace is indexed, its list changes all the time; it is made anew no sooner than this. */
  private listAgainAt = 0;
  private failures = 0;
  private trouble: Standstill | undefined;
  private counted: ({ at: number } & ReturnType<EncodingQueue['count']>) | undefined;
  private readonly abort = new AbortController();

  constructor(private readonly options: EncodingOptions) {}

  /** Reports that the workspace may have changed. A pass begins shortly after. */
  changed(): void {
    this.schedule(this.options.settleMs ?? SETTLE_MS);
  }

  /** Files open in editors, most recently used first. */
  setOpen(files: readonly string[]): void {
    this.queue.open = files;
  }

  pause(paused: boolean): void {
    this.paused = paused;
    if (!paused) this.wake?.();
    this.counted = undefined;
    this.options.changed?.();
  }

  /** Encodes what is missing now. Resolves when the pass has ended, failed or was closed. */
  async run(): Promise<void> {
    this.unschedule();
    if (this.running) {
      this.again = true;
      if (this.paused) this.wake?.();
      return this.running;
    }
    this.running = this.passes().finally(() => (this.running = undefined));
    return this.running;
  }

  /**
   * Starts a pass like `run`, but resolves once all documents are cut, which takes seconds. From then on stored
   * segments can be used, and the missing ones are known.
   */
  async untilCounted(): Promise<void> {
    void this.run();
    while (this.running && this.status().counting) await sleep(COUNTED_MS);
  }

  status(): EncodingStatus {
    const { paused } = this;
    const now = Date.now();
    if (!this.counted || now - this.counted.at > COUNT_MS) this.counted = { at: now, ...this.count() };
    const { encoded, segments, fromTeam } = this.counted;
    const standstill = this.standstill(encoded < segments);
    return {
      encoded,
      segments,
      fromTeam,
      counting: this.queue.counting,
      paused,
      ...(standstill ? { standstill } : {}),
    };
  }

  private standstill(missing: boolean): Standstill | undefined {
    if (missing && this.paused) return paused();
    const { store } = this.options;
    if (missing && store.unwritable !== undefined) return unwritable(store.unwritable);
    if (missing && !store.writable) return otherWindow();
    return this.trouble;
  }

  /** Lists the units of the workspace by document. */
  *documents(): IterableIterator<{ path: string; file: string; hash: string; units: readonly EncodingUnit[] }> {
    for (const [path, document] of this.queue.known) yield { path, ...document };
  }

  document(path: string): { file: string; hash: string; units: readonly EncodingUnit[] } | undefined {
    return this.queue.known.get(path);
  }

  /** Forgets all documents, after the store was cleared. */
  forget(): void {
    this.queue.forget();
    this.counted = undefined;
  }

  async close(): Promise<void> {
    this.unschedule();
    this.abort.abort();
    this.wake?.();
    await this.running;
  }

  // ── Passes ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Schedules a pass in `delay` ms, unless one is due earlier. */
  private schedule(delay: number): void {
    const due = Date.now() + delay;
    if (this.abort.signal.aborted || this.due <= due) return;
    this.unschedule();
    this.due = due;
    this.timer = setTimeout(() => void this.run(), delay);
    this.timer.unref();
  }

  private unschedule(): void {
    clearTimeout(this.timer);
    this.due = Infinity;
  }

  private async passes(): Promise<void> {
    do {
      this.again = false;
      try {
        await this.pass();
        this.failures = 0;
      } catch (error) {
        if (this.abort.signal.aborted) return;
        this.fail(error);
      }
    } while (this.again && !this.abort.signal.aborted);
  }

  /** Schedules another attempt, with a longer delay after each failure. */
  private fail(error: unknown): void {
    this.failures += 1;
    this.trouble = standstillAfter(error);
    this.options.warn?.(`Encoding stopped: ${error instanceof Error ? error.message : String(error)}`);
    this.again = false;
    this.changedStatus(true);
    this.schedule(Math.min(LONGEST_RETRY_MS, (this.options.retryMs ?? RETRY_MS) * 2 ** (this.failures - 1)));
  }

  private async pass(): Promise<void> {
    const {
      queue,
      options: { store },
    } = this;
    await store.refresh();
    await this.reconcile();
    const evictedBefore = store.evicted;
    this.batches = 0;
    this.trouble = undefined;
    let pulled = false;
    try {
      for (
        let path = queue.next(!this.paused);
        path !== undefined || this.batch.texts.length > 0;
        path = queue.next(!this.paused)
      ) {
        this.abort.signal.throwIfAborted();
        if (path === undefined) {
          await this.encode();
        } else if (queue.isWaiting(path)) {
          // An urgent document is encoded before the rest is cut.
          if (!this.paused && !queue.isUrgent(path)) await this.encode();
          await this.cut(path);
        } else {
          if (!pulled) await this.pull(this.missingKeys());
          pulled = true;
          // After an eviction in this pass, encoding more of the workspace would only evict records just written.
          if (store.writable && (store.evicted === evictedBefore || queue.isUrgent(path))) await this.collect(path);
          queue.done(path);
        }
        // A pass over a large workspace takes long. Files saved meanwhile go first.
        if (this.again && performance.now() >= this.listAgainAt) {
          this.again = false;
          await this.reconcile();
        }
      }
    } catch (error) {
      queue.requeue(this.batch.paths);
      this.batch = emptyBatch();
      throw error;
    }
    if (this.batches > 0) await store.flush();
    const { encoded, segments } = this.count();
    if (store.writable && encoded < segments) {
      if (this.elsewhere.size > 0) this.trouble = inTeam();
      else if (store.evicted > 0) this.trouble = budgetFull();
    }
    queue.endPass();
    this.options.shared?.passEnded();
    this.changedStatus(true);
    if (!store.writable && encoded < segments) this.schedule(this.options.followMs ?? FOLLOW_MS);
  }

  private async reconcile(): Promise<void> {
    const { store, workspace } = this.options;
    const started = performance.now();
    // Evicted records of a full store are not encoded again: that would evict others.
    const keeps = store.writable && store.evicted === 0;
    await this.queue.list(
      workspace.documents(),
      (path, { units }) => !keeps || this.batch.paths.has(path) || this.isWhole(units),
      () => this.yieldNow(),
    );
    this.counted = undefined;
    const took = performance.now() - started;
    this.listAgainAt = performance.now() + (took > LONG_LIST_MS ? LIST_SHARE * took : 0);
  }

  /**
   * Cuts a document into units and returns them with the text. Returns undefined when the file has changed since it
   * was indexed; the workspace then reports it again.
   */
  private async cut(path: string): Promise<{ text: string; units: readonly EncodingUnit[] } | undefined> {
    await this.yieldNow();
    const found = await this.options.workspace.indexed(path);
    const units = found && unitsOf(found.document, found.segmented, this.options.coder.version);
    const { counting } = this.queue;
    this.queue.setCut(path, units && { hash: found.document.hash, units }, units !== undefined && this.isWhole(units));
    if (counting && !this.queue.counting) this.changedStatus(true);
    return units && { text: found.document.text, units };
  }

  /** Adds the missing units of a document to the batch, and encodes the batch when it is full. */
  private async collect(path: string): Promise<void> {
    const found = await this.cut(path);
    for (const { key, start, end } of found?.units ?? []) {
      if (this.batch.keys.includes(key) || this.options.store.has(key) || this.elsewhere.has(key)) continue;
      const text = (found as { text: string }).text.slice(start, end);
      this.batch.keys.push(key);
      this.batch.texts.push(text);
      this.batch.paths.add(path);
      this.batch.characters += text.length;
      if (this.batch.characters >= (this.options.batchCharacters ?? BATCH_CHARACTERS)) await this.encode();
    }
  }

  /** Reads rows that the team has. A team whose store fails has none. */
  private async pull(keys: readonly string[]): Promise<void> {
    const { shared, store } = this.options;
    if (!shared || keys.length === 0 || !store.writable) return;
    await this.unpaused();
    this.elsewhere = await shared.pull(keys, this.abort.signal, () => this.changedStatus(false));
    this.changedStatus(true);
  }

  /** Keys of all units that are not stored. */
  missingKeys(): string[] {
    const { store } = this.options;
    return [...this.documents()].flatMap(({ units }) => units.map(({ key }) => key)).filter((key) => !store.has(key));
  }

  private async encode(): Promise<void> {
    const { store, coder, shared, yieldToForeground } = this.options;
    if (this.batch.texts.length === 0) return;
    await this.unpaused();
    await yieldToForeground?.();
    this.abort.signal.throwIfAborted();
    // A file that was opened or changed is encoded before the rest is cut, and so before the others are pulled.
    if (shared) await this.pull(this.batch.keys);
    const missing = this.batch.keys.flatMap((key, i) => (store.has(key) || this.elsewhere.has(key) ? [] : i));
    const [texts, keys] = [this.batch.texts, this.batch.keys].map((all) => missing.map((i) => all[i] as string)) as [
      string[],
      string[],
    ];
    if (keys.length > 0) await encodeAndStore(texts, keys, { coder, store }, this.abort.signal);
    this.batch = emptyBatch();
    if (++this.batches % FLUSH_BATCHES === 0) await store.flush();
    this.changedStatus(false);
  }

  /** Waits while encoding is paused. Changes that arrive meanwhile are counted. */
  private async unpaused(): Promise<void> {
    while (this.paused && !this.abort.signal.aborted) {
      await new Promise<void>((resolve) => (this.wake = resolve));
      if (!this.again) continue;
      this.again = false;
      await this.reconcile();
      for (const path of this.queue.toCut()) await this.cut(path);
      this.changedStatus(true);
    }
  }

  /** Yields to other work at intervals, because cutting never waits. */
  private async yieldNow(): Promise<void> {
    if (Date.now() - this.yieldedAt < CUT_MS) return;
    await setImmediate();
    await this.options.yieldToForeground?.();
    this.yieldedAt = Date.now();
  }

  private isWhole(units: readonly EncodingUnit[]): boolean {
    return units.every(({ key }) => this.options.store.has(key));
  }

  private changedStatus(now: boolean): void {
    if (now) this.counted = undefined;
    this.options.changed?.();
  }

  private count(): ReturnType<EncodingQueue['count']> {
    const { store } = this.options;
    return this.queue.count(
      (key) => store.has(key),
      (key) => store.describe(key)?.fromTeam === true,
    );
  }
}

const emptyBatch = (): Batch => ({ texts: [], keys: [], paths: new Set(), characters: 0 });
