import type { Standstill } from '../../protocol';
import type { Library } from '../library';
import type { MemoryStore } from './memory-store';
import { unitsOf, type MemoryUnit } from './units';

/** Memories of one text as the model made them. */
export interface SegmentMemory {
  tokens: number;
  coarseRows: number;
  /** Fine rows besides those that are coarse rows too (rows.ts, `coarsePlaces`). */
  restRows: number;
  bytesPerRow: number;
  vector: Uint8Array;
  /** The text's token ids, two bytes each; empty when the model has no vectors of tokens. */
  ids: Uint8Array;
  coarse: Uint8Array;
  rest: Uint8Array;
}

/** Makes memories of texts; the worker implements it over the engine's process. */
export interface SegmentCoder {
  /** Everything memories depend on besides the text (`memoryVersion`). */
  readonly version: string;
  /** @throws when the engine fails or dies; what was asked for is asked again later */
  encode(texts: readonly string[], signal: AbortSignal): Promise<readonly SegmentMemory[]>;
}

export type EncodingLibrary = Pick<Library, 'documents' | 'indexed'>;

export interface EncodingOptions {
  library: EncodingLibrary;
  store: MemoryStore;
  coder: SegmentCoder;
  /** False in a window that does not own the store: what is missing stays missing. */
  writes: boolean;
  /** Awaited before each batch; lets an answer that somebody waits for go first. */
  giveWay?: () => Promise<void>;
  /** The status has changed. */
  changed?: () => void;
  warn?: (message: string) => void;
  /** Characters encoded at once; default 12,000, about a second of a small model on two cores. */
  batchCharacters?: number;
  /** Milliseconds; tests shorten them. */
  settleMs?: number;
  retryMs?: number;
}

export interface EncodingStatus {
  /** Segments of the workspace, as often as they occur, and those whose memories are in the store. */
  encoded: number;
  segments: number;
  paused: boolean;
  /** Why nothing is being encoded although something is missing. */
  standstill?: Standstill;
}

interface KnownDocument {
  file: string;
  /** Of the text its units were cut from. */
  hash: string;
  units: readonly MemoryUnit[];
}

interface Batch {
  texts: string[];
  keys: string[];
  characters: number;
}

const BATCH_CHARACTERS = 12_000;
const SETTLE_MS = 500;
const RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 300_000;
/** The store is made durable after this many batches and at the end of a pass. */
const FLUSH_BATCHES = 16;
const BUDGET_FULL: Standstill = { cause: 'budgetFull', reason: 'The store has reached its budget: the memories of some files are left out.' };
/** The share encoded is counted anew at most this often (ms): it takes a look at every segment. */
const COUNT_MS = 1_000;

/**
 * Keeps the memories of a workspace in step with it: every segment of every indexed document is encoded once, by content, in the
 * background; open files first, then what changed lately, then the rest. It can be paused and ended at any moment: what was
 * stored stays, what was not is encoded again.
 */
export class MemoryEncoding {
  private readonly known = new Map<string, KnownDocument>();
  /** Documents to be read, with the hash they were listed with. */
  private readonly waiting = new Map<string, { file: string; segments: number }>();
  private open: readonly string[] = [];
  private readonly recent = new Set<string>();
  private firstPass = true;
  private paused = false;
  private wake: (() => void) | undefined;
  private running: Promise<void> | undefined;
  private again = false;
  private timer: NodeJS.Timeout | undefined;
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
    this.open = files;
  }

  pause(paused: boolean): void {
    this.paused = paused;
    if (!paused) this.wake?.();
    this.counted = undefined;
    this.options.changed?.();
  }

  /** Brings the memories in line with the library now; resolves when they are, or when that failed or was ended. */
  async run(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.running) {
      this.again = true;
      return this.running;
    }
    this.running = this.passes().finally(() => (this.running = undefined));
    return this.running;
  }

  status(): EncodingStatus {
    const { paused } = this;
    const now = Date.now();
    if (!this.counted || now - this.counted.at > COUNT_MS) this.counted = { at: now, ...this.count() };
    const { encoded, segments } = this.counted;
    const standstill = this.standstill(encoded < segments);
    return { encoded, segments, paused, ...(standstill ? { standstill } : {}) };
  }

  private standstill(missing: boolean): Standstill | undefined {
    if (missing && this.paused) return { cause: 'paused', reason: 'Held by you.' };
    if (missing && !this.options.writes) return { cause: 'otherWindow', reason: 'Another window on this workspace makes them.' };
    return this.trouble;
  }

  /** What is known of the workspace's units, document by document. */
  *documents(): IterableIterator<{ path: string; file: string; hash: string; units: readonly MemoryUnit[] }> {
    for (const [path, document] of this.known) yield { path, ...document };
  }

  document(path: string): { file: string; hash: string; units: readonly MemoryUnit[] } | undefined {
    return this.known.get(path);
  }

  /** After the store was cleared: everything is missing again. */
  forget(): void {
    this.known.clear();
    this.waiting.clear();
    this.recent.clear();
    this.firstPass = true;
    this.counted = undefined;
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    this.abort.abort();
    this.wake?.();
    await this.running;
  }

  // ── Passes ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private schedule(delay: number): void {
    if (this.abort.signal.aborted || this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.run();
    }, delay);
    this.timer.unref();
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
    this.trouble = { cause: 'modelFailed', reason: `The model failed (${message}); it is tried again.` };
    this.options.warn?.(`Encoding of memories stopped: ${message}`);
    this.again = false;
    this.changedStatus(true);
    this.schedule(Math.min(LONGEST_RETRY_MS, (this.options.retryMs ?? RETRY_MS) * 2 ** (this.failures - 1)));
  }

  private async pass(): Promise<void> {
    this.reconcile();
    const evictedBefore = this.options.store.evicted;
    let batch: Batch = { texts: [], keys: [], characters: 0 };
    let batches = 0;
    const encode = async (): Promise<void> => {
      if (batch.texts.length === 0) return;
      await this.encode(batch);
      batch = { texts: [], keys: [], characters: 0 };
      if (++batches % FLUSH_BATCHES === 0) await this.options.store.flush();
    };
    this.trouble = undefined;
    try {
      for (let path = this.next(); path !== undefined; path = this.next()) {
        this.abort.signal.throwIfAborted();
        const missing = await this.read(path);
        if (!this.options.writes) continue;
        // A store that is full has dropped what was used longest ago; the rest of the workspace would only drop what was just made.
        if (this.options.store.evicted > evictedBefore && !this.isUrgent(path)) continue;
        for (const { key, text } of missing) {
          if (batch.keys.includes(key) || this.options.store.has(key)) continue;
          batch.keys.push(key);
          batch.texts.push(text);
          batch.characters += text.length;
          if (batch.characters >= (this.options.batchCharacters ?? BATCH_CHARACTERS)) await encode();
        }
        // A pass over a large workspace takes long: what is saved meanwhile goes before the rest of it.
        if (this.again) {
          this.again = false;
          this.reconcile();
        }
      }
      await encode();
    } catch (error) {
      // Documents whose units were in the batch are looked at again.
      this.firstPass = true;
      for (const [path, { file, units }] of this.known) if (units.some(({ key }) => batch.keys.includes(key))) this.waiting.set(path, { file, segments: units.length });
      throw error;
    }
    if (batches > 0) await this.options.store.flush();
    const { encoded, segments } = this.count();
    if (this.options.writes && encoded < segments && this.options.store.evicted > 0) this.trouble = BUDGET_FULL;
    this.firstPass = false;
    this.recent.clear();
    this.changedStatus(true);
  }

  /** Lists what is new, has another text than its units were cut from or has lost memories, what was changed last first, and forgets what is gone. */
  private reconcile(): void {
    const present = new Set<string>();
    // What a full store had to drop is not made again, or it would drop what was just made.
    const keeps = this.options.writes && this.options.store.evicted === 0;
    for (const { path, file, hash, segments } of [...this.options.library.documents()].sort((a, b) => b.mtimeMs - a.mtimeMs)) {
      present.add(path);
      const known = this.known.get(path);
      if (known?.hash === hash && (!keeps || this.isWhole(known.units))) continue;
      this.waiting.set(path, { file, segments });
      if (!this.firstPass || known) this.recent.add(path);
    }
    for (const path of this.known.keys()) if (!present.has(path)) this.known.delete(path);
    for (const path of this.waiting.keys()) if (!present.has(path)) this.waiting.delete(path);
    this.counted = undefined;
  }

  /** The most urgent document that waits. */
  private next(): string | undefined {
    for (const file of this.open) for (const [path, waiting] of this.waiting) if (waiting.file === file) return path;
    for (const path of this.recent) if (this.waiting.has(path)) return path;
    for (const path of this.waiting.keys()) return path;
    return undefined;
  }

  private isUrgent(path: string): boolean {
    return this.recent.has(path) || this.open.includes(this.known.get(path)?.file ?? '');
  }

  /** Cuts a document into units and returns those whose memories are missing, with their text. */
  private async read(path: string): Promise<{ key: string; text: string }[]> {
    const { file } = this.waiting.get(path) as { file: string };
    this.waiting.delete(path);
    const found = await this.options.library.indexed(path);
    // Changed since it was indexed: the library takes it in and tells of it.
    if (!found) return [];
    const { document, segmented } = found;
    const units = unitsOf(document, segmented, this.options.coder.version);
    this.known.set(path, { file, hash: document.hash, units });
    return units.filter(({ key }) => !this.options.store.has(key)).map(({ key, start, end }) => ({ key, text: document.text.slice(start, end) }));
  }

  private async encode({ texts, keys }: Batch): Promise<void> {
    await this.unpaused();
    await this.options.giveWay?.();
    this.abort.signal.throwIfAborted();
    const made = await this.options.coder.encode(texts, this.abort.signal);
    if (made.length !== keys.length) throw new Error(`the model made memories of ${made.length} texts, not of ${keys.length}`);
    for (const [i, { tokens, coarseRows, restRows, bytesPerRow, vector, ids, coarse, rest }] of made.entries()) {
      const key = keys[i] as string;
      await this.options.store.put(key, tokens, { coarse: coarseRows, fine: restRows, bytesPerRow }, { vector, ids, coarse, fine: rest });
    }
    this.changedStatus(false);
  }

  private async unpaused(): Promise<void> {
    while (this.paused && !this.abort.signal.aborted) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  private isWhole(units: readonly MemoryUnit[]): boolean {
    return units.every(({ key }) => this.options.store.has(key));
  }

  private changedStatus(now: boolean): void {
    if (now) this.counted = undefined;
    this.options.changed?.();
  }

  private count(): { encoded: number; segments: number } {
    let encoded = 0;
    let segments = 0;
    for (const [path, { units }] of this.known) {
      // What its units were cut from is not its text any more.
      if (this.waiting.has(path)) continue;
      segments += units.length;
      for (const { key } of units) if (this.options.store.has(key)) encoded += 1;
    }
    for (const waiting of this.waiting.values()) segments += waiting.segments;
    return { encoded, segments };
  }
}
