import type { SegmentMemory, Standstill } from '../../protocol';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Workspace } from '../../workspace';
import { EncodingQueue } from './encoding-queue';
import type { MemoryStore } from '../store/memory-store';
import { unitsOf, type MemoryUnit } from './encoding-units';

/** Makes memories of texts; the worker implements it over the engine's process. */
export interface SegmentCoder {
  /** Everything memories depend on besides the text (`memoryVersion`). */
  readonly version: string;
  /** @throws when the engine fails or dies; what was asked for is asked again later */
  encode(texts: readonly string[], signal: AbortSignal): Promise<readonly SegmentMemory[]>;
}

export type EncodingLibrary = Pick<Workspace, 'documents' | 'indexed'>;

export interface EncodingOptions {
  library: EncodingLibrary;
  store: MemoryStore;
  coder: SegmentCoder;
  /** Awaited before each batch; lets an answer that somebody waits for go first. */
  yieldToForeground?: () => Promise<void>;
  /** The status has changed. */
  changed?: () => void;
  warn?: (message: string) => void;
  /** Characters encoded at once; default 12,000, about a second of a small model on two cores. */
  batchCharacters?: number;
  /** Milliseconds; tests shorten them. */
  settleMs?: number;
  retryMs?: number;
  followMs?: number;
}

export interface EncodingStatus {
  /** Segments of the workspace, as often as they occur, and those whose memories are in the store. */
  encoded: number;
  segments: number;
  /**
   * True while documents wait to be cut: of those `segments` has what the catalogue says, which is about right.
   * Afterwards it is exact.
   */
  counting: boolean;
  paused: boolean;
  /** Why nothing is being encoded although something is missing. */
  standstill?: Standstill;
}

interface Batch {
  texts: string[];
  keys: string[];
  /** Of the documents they are in. */
  paths: Set<string>;
  characters: number;
}

const BATCH_CHARACTERS = 12_000;
const SETTLE_MS = 500;
const RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;
/** While another process writes, what it has made is looked for so often (ms). */
const FOLLOW_MS = 2_000;
/** Who waits for the counting looks so often (ms) whether it is over. */
const COUNTED_MS = 20;
/** Documents are cut for so long (ms) before everything else has a turn. */
const CUT_MS = 10;
/** The store is made durable after this many batches and at the end of a pass. */
const FLUSH_BATCHES = 16;
const BUDGET_FULL: Standstill = {
  cause: 'budgetFull',
  reason: 'The store has reached its budget: the memories of some files are left out.',
};
/** The share encoded is counted anew at most this often (ms): it takes a look at every segment. */
const COUNT_MS = 1_000;

/**
 * Keeps the memories of a workspace in step with it: every segment of every indexed document is encoded once, by
 * content, in the background; open files first, then what changed lately, then the rest. Before that rest is encoded
 * all of it is cut, which takes seconds: from then on what is missing is known to the segment, and everything that is
 * in the store can be used. It can be paused and ended at any moment: what was stored stays, what was not is encoded
 * again. In a process that does not write the store it follows the one that does.
 */
export class MemoryEncoding {
  private readonly queue = new EncodingQueue();
  private batch = emptyBatch();
  /** Encoded in this pass. */
  private batches = 0;
  private paused = false;
  private wake: (() => void) | undefined;
  private running: Promise<void> | undefined;
  private again = false;
  private timer: NodeJS.Timeout | undefined;
  private due = Infinity;
  private breathed = 0;
  private failures = 0;
  private trouble: Standstill | undefined;
  private counted: { at: number; encoded: number; segments: number } | undefined;
  private readonly abort = new AbortController();

  constructor(private readonly options: EncodingOptions) {}

  /** The library has changed, or may have: looks at it soon. */
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

  /** Brings the memories in line with the library now; resolves when they are, or when that failed or was ended. */
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
   * Brings the memories in line like `run`, but resolves once everything is cut, which takes seconds at most: then what
   * is in the store can be used and what is missing is known.
   */
  async untilCounted(): Promise<void> {
    void this.run();
    while (this.running && this.status().counting) await sleep(COUNTED_MS);
  }

  status(): EncodingStatus {
    const { paused } = this;
    const now = Date.now();
    if (!this.counted || now - this.counted.at > COUNT_MS) this.counted = { at: now, ...this.count() };
    const { encoded, segments } = this.counted;
    const standstill = this.standstill(encoded < segments);
    return { encoded, segments, counting: this.queue.counting, paused, ...(standstill ? { standstill } : {}) };
  }

  private standstill(missing: boolean): Standstill | undefined {
    if (missing && this.paused) return { cause: 'paused', reason: 'Held by you.' };
    const { store } = this.options;
    if (missing && store.unwritable !== undefined) return unwritable(store.unwritable);
    if (missing && !store.writable)
      return { cause: 'otherWindow', reason: 'Another window on this workspace makes them.' };
    return this.trouble;
  }

  /** What is known of the workspace's units, document by document. */
  *documents(): IterableIterator<{ path: string; file: string; hash: string; units: readonly MemoryUnit[] }> {
    for (const [path, document] of this.queue.known) yield { path, ...document };
  }

  document(path: string): { file: string; hash: string; units: readonly MemoryUnit[] } | undefined {
    return this.queue.known.get(path);
  }

  /** After the store was cleared: everything is missing again. */
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

  /** Looks at the library after so many milliseconds, or sooner where that is planned already. */
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

  /** What could not be encoded is tried again, later each time; everything else goes on. */
  private fail(error: unknown): void {
    this.failures += 1;
    const message = error instanceof Error ? error.message : String(error);
    const { code } = error as NodeJS.ErrnoException;
    this.trouble =
      code !== undefined && DISK_ERROR.test(code)
        ? unwritable(code)
        : { cause: 'modelFailed', reason: `The model failed (${message}); it is tried again.` };
    this.options.warn?.(`Encoding of memories stopped: ${message}`);
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
    this.reconcile();
    const evictedBefore = store.evicted;
    this.batches = 0;
    this.trouble = undefined;
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
          // What is urgent does not wait for the cutting of the rest.
          if (!this.paused && !queue.isUrgent(path)) await this.encode();
          await this.cut(path);
        } else {
          // A store that is full has dropped what was used longest ago; the rest of the workspace would only drop what
          // was just made.
          if (store.writable && (store.evicted === evictedBefore || queue.isUrgent(path))) await this.collect(path);
          queue.done(path);
        }
        // A pass over a large workspace takes long: what is saved meanwhile goes before the rest of it.
        if (this.again) {
          this.again = false;
          this.reconcile();
        }
      }
    } catch (error) {
      // Documents whose units were in the batch are looked at again.
      queue.undone(this.batch.paths);
      this.batch = emptyBatch();
      throw error;
    }
    if (this.batches > 0) await store.flush();
    const { encoded, segments } = this.count();
    if (store.writable && encoded < segments && store.evicted > 0) this.trouble = BUDGET_FULL;
    queue.ended();
    this.changedStatus(true);
    if (!store.writable && encoded < segments) this.schedule(this.options.followMs ?? FOLLOW_MS);
  }

  private reconcile(): void {
    const { store, library } = this.options;
    // What a full store had to drop is not made again, or it would drop what was just made.
    const keeps = store.writable && store.evicted === 0;
    this.queue.list(
      library.documents(),
      (path, { units }) => !keeps || this.batch.paths.has(path) || this.isWhole(units),
    );
    this.counted = undefined;
  }

  /**
   * Cuts a document into units. Returns its text and them; undefined when it has changed since it was indexed: the
   * library takes it in and tells of it.
   */
  private async cut(path: string): Promise<{ text: string; units: readonly MemoryUnit[] } | undefined> {
    await this.breathe();
    const found = await this.options.library.indexed(path);
    const units = found && unitsOf(found.document, found.segmented, this.options.coder.version);
    const { counting } = this.queue;
    this.queue.cut(path, units && { hash: found.document.hash, units }, units !== undefined && this.isWhole(units));
    if (counting && !this.queue.counting) this.changedStatus(true);
    return units && { text: found.document.text, units };
  }

  /** Takes what a document lacks into the batch, and encodes that when it is full. */
  private async collect(path: string): Promise<void> {
    const found = await this.cut(path);
    for (const { key, start, end } of found?.units ?? []) {
      if (this.batch.keys.includes(key) || this.options.store.has(key)) continue;
      const text = (found as { text: string }).text.slice(start, end);
      this.batch.keys.push(key);
      this.batch.texts.push(text);
      this.batch.paths.add(path);
      this.batch.characters += text.length;
      if (this.batch.characters >= (this.options.batchCharacters ?? BATCH_CHARACTERS)) await this.encode();
    }
  }

  private async encode(): Promise<void> {
    const { texts, keys } = this.batch;
    if (texts.length === 0) return;
    const { store, coder, yieldToForeground } = this.options;
    await this.unpaused();
    await yieldToForeground?.();
    this.abort.signal.throwIfAborted();
    const made = await coder.encode(texts, this.abort.signal);
    if (made.length !== keys.length)
      throw new Error(`the model made memories of ${made.length} texts, not of ${keys.length}`);
    for (const [i, { tokens, coarseRows, restRows, bytesPerRow, vector, ids, coarse, rest }] of made.entries()) {
      await store.put(
        keys[i] as string,
        tokens,
        { coarse: coarseRows, fine: restRows, bytesPerRow },
        { vector, ids, coarse, fine: rest },
      );
    }
    this.batch = emptyBatch();
    if (++this.batches % FLUSH_BATCHES === 0) await store.flush();
    this.changedStatus(false);
  }

  /** Whatever happens while it is paused is counted. */
  private async unpaused(): Promise<void> {
    while (this.paused && !this.abort.signal.aborted) {
      await new Promise<void>((resolve) => (this.wake = resolve));
      if (!this.again) continue;
      this.again = false;
      this.reconcile();
      for (const path of this.queue.toCut()) await this.cut(path);
      this.changedStatus(true);
    }
  }

  /** Cutting is quick work without a pause in it: now and then everything else has a turn. */
  private async breathe(): Promise<void> {
    if (Date.now() - this.breathed < CUT_MS) return;
    await setImmediate();
    await this.options.yieldToForeground?.();
    this.breathed = Date.now();
  }

  private isWhole(units: readonly MemoryUnit[]): boolean {
    return units.every(({ key }) => this.options.store.has(key));
  }

  private changedStatus(now: boolean): void {
    if (now) this.counted = undefined;
    this.options.changed?.();
  }

  private count(): { encoded: number; segments: number } {
    return this.queue.count((key) => this.options.store.has(key));
  }
}

/** Of the file system, when something cannot be written. */
const DISK_ERROR = /^E(NOSPC|DQUOT|ROFS|ACCES|PERM|IO|NOENT|NOTDIR)$/;

function unwritable(code: string): Standstill {
  const why = /^E(NOSPC|DQUOT)$/.test(code)
    ? 'the disk is full'
    : `the folder of the index cannot be written (${code})`;
  return { cause: 'storeUnwritable', reason: `No memories can be kept: ${why}. It is tried again.` };
}

const emptyBatch = (): Batch => ({ texts: [], keys: [], paths: new Set(), characters: 0 });
