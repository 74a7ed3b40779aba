import * as l10n from '@vscode/l10n';
import { basename, extname } from 'node:path';
import type { SegmenterPool } from '../segments/pool';
import { entryOf } from '../languages';
import type { QueryTerm } from '../lexical/types';
import type { FileChange, Indexer } from './indexer';

/** Saves within this time (ms) are indexed together. */
const GATHER_MS = 15;
/** Time (ms) from the last change to the write to disk. */
const SETTLE_MS = 3_000;
/**
 * Maximum time (ms) that a question waits for changes reported before it. A saved file takes a tenth of it; a branch
 * switch takes longer.
 */
const CATCH_UP_MS = 400;
/** Maximum time (ms) that a question waits for the files most likely to answer it while a pass runs. */
const LIKELY_MS = 15_000;
/** Maximum time (ms) that a question waits for the end of a pass, where a part of the index cannot answer it. */
const WHOLE_MS = 25_000;
/**
 * Maximum time (ms) that a question waits for a damaged part of the index; about ten thousand files are indexed in it.
 */
const REPAIR_MS = 10_000;
/** Number of files of a damaged part that are indexed together. */
const REPAIR_BATCH = 64;
/** Number of grammars loaded in advance, and the idle time (ms) before each. */
const WARM_GRAMMARS = 6;
const WARM_MS = 500;
/**
 * Number of warm-up searches, and the pause (ms) after each. Code that runs for the first time is several times
 * slower.
 */
const REHEARSALS = 24;
const REHEARSAL_PAUSE_MS = 40;

/** A question, for the files that it may need. */
export interface Asked {
  terms: readonly QueryTerm[];
  /** Whether its scope includes a path. */
  isAsked: (path: string) => boolean;
}

/** Schedules the indexer: one pass at a time, changes as they are reported, and writes when changes pause. */
export class Upkeep {
  /**
   * The current pass. `found` resolves when all files are searchable, `done` when all is written, and `abort` ends it.
   */
  private pass: { found: Promise<void>; done: Promise<void>; abort: AbortController } | undefined;
  private gathered = new Map<string, FileChange>();
  private gathering: Promise<void> | undefined;
  /** Reported changes that are not indexed yet. */
  private readonly arriving = new Set<Promise<void>>();
  private settleTimer: NodeJS.Timeout | undefined;
  private warmTimer: NodeJS.Timeout | undefined;
  private warmed = false;
  private closed = false;
  /** Indexing of files from damaged parts of the index, and the number left. */
  private repair: Promise<void> = Promise.resolve();
  private toRepair = 0;

  /** @param rehearse runs a search, to warm up the code of the first question */
  constructor(
    private readonly indexer: Indexer,
    private readonly pool: SegmenterPool,
    private readonly rehearse: (question: string) => Promise<unknown>,
  ) {}

  private get progress() {
    return this.indexer.context.progress;
  }

  private get upToDate(): boolean {
    return this.progress.state === 'ready';
  }

  // ── Passes ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins a pass, or joins the current one. Neither promise rejects: failures are reported in the progress. */
  begin(signal?: AbortSignal): { found: Promise<void>; done: Promise<void> } {
    if (this.pass) return this.pass;
    if (this.closed) return { found: Promise.resolve(), done: Promise.resolve() };
    const abort = new AbortController();
    const stop = (): void => abort.abort();
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) abort.abort();
    const found = this.attempt(() => this.indexer.pass(abort.signal), abort.signal).then((ended) => {
      if (ended) this.progress.set('ready', l10n.t('Up to date'));
    });
    const written = found.then(() =>
      abort.signal.aborted ? undefined : this.attempt(() => this.indexer.write(abort.signal), abort.signal),
    );
    const done = written.then(() => {
      signal?.removeEventListener('abort', stop);
      this.pass = undefined;
      this.progress.changed(true);
      // Once: a server for agents makes a pass for each request, and requests warm up by themselves.
      if (!this.warmed) this.warmTimer = setTimeout(() => this.warmUp(), WARM_MS).unref();
      this.warmed = true;
    });
    this.pass = { found, done, abort };
    return this.pass;
  }

  /** Runs `work` and reports its failure. Resolves to false when it was stopped or failed. */
  private async attempt(work: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!signal.aborted) this.progress.set('failed', error instanceof Error ? error.message : String(error));
      else if (this.progress.state !== 'ready') this.progress.set('idle', l10n.t('Stopped'));
      return false;
    }
  }

  /**
   * Warms up search and parsing while idle. It searches for names of the workspace's files, then loads the most used
   * grammars. Loading a grammar blocks this thread for a moment (C++: a tenth of a second). Grammars are therefore
   * loaded one at a time, and a saved file goes before the next.
   */
  private warmUp(): void {
    const work = [
      ...this.someNames().map((name) => ({ run: () => this.rehearse(name), pause: REHEARSAL_PAUSE_MS })),
      ...this.commonLanguages().map((language) => ({
        run: () => this.pool.segmentNow({ path: '', language, text: '\n' }),
        pause: WARM_MS,
      })),
    ];
    const next = (): void => {
      clearTimeout(this.warmTimer);
      const first = this.pass || this.closed ? undefined : work.shift();
      if (first)
        void Promise.resolve(first.run())
          .catch(() => undefined)
          .then(() => (this.warmTimer = setTimeout(next, work[0]?.pause ?? 0).unref()));
    };
    next();
  }

  /** Returns the names of a few files from all over the workspace. */
  private someNames(): string[] {
    const paths = [...this.indexer.context.catalogue.entries.values()].map(({ path }) => path);
    const step = Math.max(1, Math.floor(paths.length / REHEARSALS));
    return paths
      .filter((_, i) => i % step === 0)
      .slice(0, REHEARSALS)
      .map((path) => basename(path, extname(path)));
  }

  /** Returns one language for each of the most used grammars. */
  private commonLanguages(): string[] {
    const files = new Map<string, { language: string; files: number }>();
    for (const { language } of this.indexer.context.catalogue.entries.values()) {
      const grammar = entryOf(language).grammar?.name;
      if (grammar === undefined) continue;
      const known = files.get(grammar);
      if (known) known.files++;
      else files.set(grammar, { language, files: 1 });
    }
    return [...files.values()]
      .sort((a, b) => b.files - a.files)
      .slice(0, WARM_GRAMMARS)
      .map(({ language }) => language);
  }

  async stopPass(): Promise<void> {
    this.pass?.abort.abort();
    await this.pass?.done;
  }

  /** Stops the current pass until another begins. */
  async cancel(): Promise<void> {
    this.indexer.pause(false);
    // The pass may finish meanwhile.
    if (!this.upToDate) await this.stopPass();
    if (this.upToDate) return;
    this.progress.set('cancelled', l10n.t('Cancelled by you'));
    this.settle();
  }

  // ── Changes ─────────────────────────────────────────────────────────────────────────────────────────────────────

  applyChanges(changes: readonly FileChange[]): Promise<void> {
    for (const change of changes) this.gathered.set(change.file, change);
    this.gathering ??= new Promise<void>((resolve) => setTimeout(resolve, GATHER_MS)).then(() => {
      this.gathering = undefined;
      return this.takeIn();
    });
    return this.arrives(this.gathering);
  }

  async setUnsaved(file: string, text: string | null): Promise<void> {
    // Before the first pass, an editor's text is kept for that pass.
    await this.arrives(this.indexer.setUnsaved(file, text, this.progress.state !== 'idle'));
    this.settle();
  }

  /** Indexes files that a search found changed without an event. */
  async refresh(files: readonly string[]): Promise<void> {
    await this.indexer.update(files.map((file) => ({ file, type: 'changed' })));
    this.settle();
  }

  /** Number of files from damaged parts of the index that are not indexed again yet. */
  get lost(): number {
    return this.toRepair;
  }

  /** Resolves when no file is lost, or after REPAIR_MS. */
  repaired(): Promise<void> {
    return this.toRepair === 0 ? Promise.resolve() : atMost(REPAIR_MS, this.repair);
  }

  /** Indexes the files of a damaged part of the index again. */
  reindex(files: readonly string[]): void {
    this.toRepair += files.length;
    this.repair = this.repair.then(async () => {
      const idle = this.upToDate;
      if (idle)
        this.progress.set(
          'indexing',
          l10n.t('A part of the index was damaged: indexing {0} files again', files.length),
        );
      for (let at = 0; at < files.length && !this.closed; at += REPAIR_BATCH) {
        const batch = files.slice(at, at + REPAIR_BATCH);
        await this.indexer.update(batch.map((file) => ({ file, type: 'changed' })));
        this.toRepair -= batch.length;
      }
      if (idle && this.progress.state === 'indexing' && !this.pass) this.progress.set('ready', l10n.t('Up to date'));
      this.settle();
    });
  }

  private arrives(change: Promise<void>): Promise<void> {
    this.arriving.add(change);
    const arrived = (): void => void this.arriving.delete(change);
    change.then(arrived, arrived);
    return change;
  }

  /**
   * Resolves when reported changes are searchable, or after CATCH_UP_MS; while a pass runs, when the files are that are
   * most likely to answer `question`, or after LIKELY_MS.
   */
  async caughtUp(question?: Asked): Promise<void> {
    if (this.arriving.size > 0) await atMost(CATCH_UP_MS, Promise.allSettled(this.arriving));
    if (this.pass && question) await atMost(LIKELY_MS, this.indexer.advance(question.terms, question.isAsked));
  }

  /** Resolves to whether the current pass, if any, has made all files searchable within WHOLE_MS, without a pause. */
  async whenIndexed(signal?: AbortSignal): Promise<boolean> {
    const { pass, progress, indexer } = this;
    if (!pass || indexer.isPaused) return false;
    let forget = (): void => undefined;
    const given = new Promise<void>((resolve) => {
      signal?.addEventListener('abort', () => resolve(), { once: true });
      forget = progress.onChange(() => indexer.isPaused && resolve());
    });
    void indexer.finish();
    await atMost(WHOLE_MS, Promise.race([pass.found, given])).finally(forget);
    return this.upToDate;
  }

  private async takeIn(): Promise<void> {
    const changes = [...this.gathered.values()];
    this.gathered = new Map();
    // Before the first pass (Restricted Mode, a cleared index) there is nothing to update: the pass reads everything.
    if (this.closed || this.progress.state === 'idle') return;
    const pass = this.indexer.needsPass(changes) || (await this.indexer.update(changes));
    // Only the user resumes a pass that the user cancelled.
    if (pass && this.progress.state !== 'cancelled') {
      // The pass may already be past the changed places, so it begins again.
      await this.stopPass();
      await this.begin().found;
    }
    this.progress.changed(true);
    this.settle();
  }

  /** Writes the index to disk once nothing has changed for a while. */
  private settle(): void {
    clearTimeout(this.settleTimer);
    this.settleTimer = setTimeout(() => {
      if (!this.pass && !this.closed) void this.indexer.write().then(() => this.progress.changed());
    }, SETTLE_MS);
    this.settleTimer.unref();
  }

  /** Stops the pass and writes the index to disk. */
  async close(): Promise<void> {
    await this.stopPass();
    this.closed = true;
    clearTimeout(this.settleTimer);
    clearTimeout(this.warmTimer);
    await this.gathering;
    await this.repair;
    await this.indexer.write();
  }
}

async function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, milliseconds)))]);
  clearTimeout(timer);
}
