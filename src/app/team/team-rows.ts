/** A team's memory in use by a session: rows come from it before they are encoded, and go to it where allowed. */
import type { MemoryDescription, SharedMemorySettings, TeamStatus } from '../../protocol';
import { AppError, messageOf } from '../../base';
import { type MemoryEncoding, type MemoryStore, type PackRecord, rowCounts, type SharedRows } from '../../memory';
import {
  openPlace,
  type Patience,
  PatientStore,
  Prefilter,
  Push,
  shownAddress,
  TeamMemory,
  type TeamPlace,
} from '../../team';
import type { TokenNeighbours } from '../../protocol/memory';

export interface TeamRowsOptions {
  settings: SharedMemorySettings;
  memory: MemoryDescription;
  /** `memoryVersion` of the model. */
  version: string;
  local: MemoryStore;
  patience: Patience;
  /** Folder for copies of logs and sketches. */
  cacheDirectory: string;
  changed?: () => void;
  warn?: (message: string) => void;
}

/** Shortest time (ms) between two pushes of an editor. */
const PUSH_MS = 600_000;
/** Reads of a question, and the time (ms) that it waits for them. */
const MOST_READS = 40;
const QUESTION_MS = 800;
/** Records that a question opens. */
const MOST_OPENED = 48;

export class TeamRows implements SharedRows {
  /** Undefined while the settings do not work. */
  memory: TeamMemory | undefined;
  place: TeamPlace | undefined;
  private prefilter: Prefilter | undefined;
  private encoding: MemoryEncoding | undefined;
  private trouble: string | undefined;
  private pulled = 0;
  private pulledBytes = 0;
  private pushed = 0;
  private pushedAt = -Infinity;
  private pushing: Promise<void> | undefined;
  private readonly abort = new AbortController();

  private constructor(private readonly options: TeamRowsOptions) {}

  /** Never rejects: what is wrong is in the status. */
  static async open(options: TeamRowsOptions): Promise<TeamRows> {
    const rows = new TeamRows(options);
    const { settings, version, patience, cacheDirectory, warn } = options;
    try {
      const place = await openPlace(settings);
      rows.place = place;
      const store = new PatientStore(place.store, patience);
      rows.memory = new TeamMemory({ ...place, store, version, cacheDirectory, ...(warn ? { warn } : {}) });
      rows.prefilter = new Prefilter(rows.memory, cacheDirectory);
    } catch (error) {
      rows.trouble = [messageOf(error), ...(error instanceof AppError ? [error.hint] : [])].join(' ').trim();
      rows.failure = error;
      warn?.(`The team’s memory cannot be used: ${rows.trouble}`);
    }
    return rows;
  }

  /** Why the settings do not work, for commands that need the team. */
  failure: unknown;

  /** Names the encoding whose segments are the workspace's. */
  follow(encoding: MemoryEncoding): void {
    this.encoding = encoding;
  }

  get status(): TeamStatus {
    const { memory, pulled, pulledBytes, pushed, options } = this;
    const reason = this.trouble ?? memory?.options.store.trouble?.message;
    const size = memory?.size;
    return {
      address: shownAddress(options.settings.address),
      records: size?.records ?? 0,
      packs: size?.packs ?? 0,
      bytes: size?.bytes ?? 0,
      untrusted: size?.untrusted ?? 0,
      harmed: memory?.harmedRecords ?? 0,
      pulled,
      pulledBytes,
      pushed,
      writes: this.place?.editorsWrite ?? false,
      ...(reason === undefined ? {} : { reason }),
    };
  }

  // ── Reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async pull(keys: readonly string[], signal: AbortSignal, progress: () => void): Promise<ReadonlySet<string>> {
    const { memory, options } = this;
    if (!memory) return new Set();
    const both = AbortSignal.any([signal, this.abort.signal]);
    try {
      await memory.refresh({ signal: both });
    } catch {
      both.throwIfAborted();
      // The status says why. What an earlier process has read of the log still counts.
    }
    const result = await memory.pull(keys, options.local, (record) => this.fits(record), {
      signal: both,
      progress: () => progress(),
    });
    this.pulled += result.pulled;
    this.pulledBytes += result.bytes;
    if (result.pulled > 0) await options.local.flush();
    if (result.harmed > 0 && this.place?.mayWrite) await memory.vote(both).catch(() => 0);
    const elsewhere = new Set(keys.filter((key) => !options.local.has(key) && memory.has(key)));
    // Only a full store leaves behind what the team has; a store that fails is tried again, and encoding goes on.
    const full = elsewhere.size > 0 && !options.local.hasRoom(FULL_MARGIN);
    if (full) await this.prefilter?.bind(elsewhere, both);
    return full ? elsewhere : new Set();
  }

  /** Opens the records that a question may need and that are not on this machine. Never rejects. */
  async open(question: TokenNeighbours, sharpness: number, signal?: AbortSignal): Promise<number> {
    const { memory, prefilter, options } = this;
    if (!memory || !prefilter || prefilter.records === 0) return 0;
    const limit = AbortSignal.timeout(QUESTION_MS);
    const best = prefilter.best(question, sharpness, MOST_OPENED);
    try {
      const result = await memory.pull(best, { ...localOf(options.local), hasRoom: () => true }, (r) => this.fits(r), {
        signal: AbortSignal.any([limit, this.abort.signal, ...(signal ? [signal] : [])]),
        mostReads: MOST_READS,
      });
      this.pulled += result.pulled;
      return result.pulled;
    } catch {
      return 0;
    }
  }

  /** Whether a record has the shape of this model's rows. */
  private fits({ tokens, coarseRows, restRows, bytesPerRow, idBytes }: PackRecord): boolean {
    const { ratios, storedRowBytes } = this.options.memory;
    const { coarse, fine } = rowCounts(tokens, ratios);
    return (
      bytesPerRow === storedRowBytes &&
      coarseRows === coarse &&
      restRows === fine - coarse &&
      (idBytes === 0 || idBytes === 2 * tokens)
    );
  }

  // ── Writing ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Pushes what this editor has encoded, in the background, where the address allows it. */
  passEnded(): void {
    const { memory, encoding, options } = this;
    if (!memory || !encoding || !this.place?.editorsWrite || this.pushing) return;
    if (performance.now() - this.pushedAt < PUSH_MS) return;
    this.pushedAt = performance.now();
    const keys = [...encoding.documents()].flatMap(({ units }) => units.map(({ key }) => key));
    const source = { keys, stored: (key: string) => options.local.record(key) };
    this.pushing = new Push(memory, source, { signal: this.abort.signal })
      .storedOnly()
      .then(({ committed }) => void (this.pushed += committed))
      .catch((error: unknown) => {
        if (!this.abort.signal.aborted) options.warn?.(`The team’s memory was not written: ${messageOf(error)}`);
      })
      .finally(() => {
        this.pushing = undefined;
        options.changed?.();
      });
  }

  async close(): Promise<void> {
    this.abort.abort();
    await this.pushing;
  }
}

/** Room (bytes) that a store keeps before it counts as full. */
const FULL_MARGIN = 16 << 20;

const localOf = (store: MemoryStore): Pick<MemoryStore, 'has' | 'put'> => ({
  has: (key) => store.has(key),
  put: (...record) => store.put(...record),
});
