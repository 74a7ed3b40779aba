import * as l10n from '@vscode/l10n';
import type { QueryTerm } from '../lexical/types';
import { walk, WalkReport, type WalkedFile } from '../sources/walk';
import type { IndexerContext } from './context';
import { likelyFiles } from './likely-files';
import { PassQueue } from './pass-queue';

/** A question waits for the files most likely to answer it while a pass runs: at most so many … */
const MOST_LIKELY = 64;
/** … and beyond the first few at most so many bytes, because large files take long. */
const LIKELY_BYTES = 2 << 20;
const FEWEST_LIKELY = 16;
/** It waits for all files up to this number. */
const FEW_LEFT = 160;

/** Work of a pass on single files. */
export interface PassActions {
  index(file: WalkedFile): Promise<void>;
  remove(path: string): void;
  /** Called after each file; may write the index. */
  fileDone(signal: AbortSignal): Promise<void>;
}

/**
 * Passes over the whole workspace, one at a time. Files with known time and size are not read, and files with known
 * text are not segmented. Deleted files are removed from the index. Questions may come first.
 */
export class Pass {
  /** Files that the current pass has yet to index, from the end of its walk. */
  private queue: PassQueue | undefined;
  /** Resolves when the current pass has walked the workspace. */
  private walked: Promise<void> = Promise.resolve();
  /** A question that looks for its files. Nothing is indexed meanwhile. */
  private choosing: Promise<unknown> = Promise.resolve();
  private resume: (() => void) | undefined;
  private paused: Promise<void> | undefined;

  constructor(
    private readonly context: IndexerContext,
    private readonly actions: PassActions,
  ) {}

  pause(paused: boolean): void {
    if (paused && !this.paused) this.paused = new Promise((resolve) => (this.resume = resolve));
    if (!paused) {
      this.resume?.();
      this.paused = undefined;
    }
  }

  get isPaused(): boolean {
    return this.paused !== undefined;
  }

  /** Runs one pass. Afterwards all files are searchable. @throws only when aborted */
  async run(signal: AbortSignal): Promise<void> {
    const { lexical, progress, first } = this.context;
    lexical.unread = undefined;
    let walked = (): void => undefined;
    this.walked = new Promise((resolve) => (walked = resolve));
    try {
      const { found, changed } = await this.look(signal);
      if (changed.length > 0) {
        progress.set('indexing', l10n.t('Indexing {0} of {1} files', changed.length, found));
        this.queue = new PassQueue([
          ...changed.filter(({ path }) => first.has(path)),
          ...changed.filter(({ path }) => !first.has(path)),
        ]);
        walked();
        await this.each(this.queue, signal);
      }
      lexical.unread = undefined;
    } finally {
      walked();
      this.queue?.close();
      this.queue = undefined;
    }
  }

  /**
   * Indexes the files first that are most likely to answer a question, while a pass runs. Resolves when they are
   * searchable; at once where no pass runs, or it is paused.
   *
   * @param isAsked whether the question is about a path
   */
  async advance(terms: readonly QueryTerm[], isAsked: (path: string) => boolean): Promise<void> {
    await this.walked;
    const { queue } = this;
    if (!queue || this.paused) return;
    const files = queue.files;
    if (files.length <= FEW_LEFT) return queue.advance(files.map(({ path }) => path));
    const choice = likelyFiles(files, terms);
    this.choosing = choice;
    const { paths, unread } = await choice;
    if (this.queue !== queue) return;
    this.context.lexical.unread = unread;
    await queue.advance(withinLimits(paths.filter(isAsked), new Map(files.map(({ path, size }) => [path, size]))));
  }

  /** Lets a question that needs all files go before other work. Resolves when the pass has found them. */
  async finish(): Promise<void> {
    await this.walked;
    await this.queue?.advance(this.queue.files.map(({ path }) => path));
  }

  /** Walks the workspace, and removes what is gone. Returns the files whose text may have changed. */
  private async look(signal: AbortSignal): Promise<{ found: number; changed: WalkedFile[] }> {
    const { folders, settings, catalogue, lexical, progress, documentCache } = this.context;
    const report = new WalkReport();
    progress.begin(report);
    progress.set('walking', l10n.t('Looking for files'));
    const found = new Set<string>();
    const changed: WalkedFile[] = [];
    for await (const file of walk(folders, { ...settings, signal }, report)) {
      found.add(file.path);
      progress.known++;
      if (this.isUnchanged(file)) progress.done++;
      else changed.push(file);
      progress.changed();
    }
    for (const path of [...catalogue.entries.keys()])
      if (!found.has(path) && !documentCache.unsaved.has(path)) this.actions.remove(path);
    for (const docId of lexical.ids())
      if (!found.has(docId) && !documentCache.unsaved.has(docId)) lexical.remove(docId);
    // Editors' texts are not read from disk, and clearing the index dropped them too.
    for (const [path, { document, segmented }] of documentCache.unsaved)
      if (!lexical.has(path, document.hash)) lexical.add(path, document, segmented);
    return { found: found.size, changed };
  }

  private isUnchanged({ path, size, mtimeMs }: WalkedFile): boolean {
    const { catalogue, lexical, documentCache, settings } = this.context;
    const entry = catalogue.entries.get(path);
    return (
      entry !== undefined &&
      (!entry.secret || settings.secrets === true) &&
      entry.size === size &&
      entry.mtimeMs === mtimeMs &&
      (lexical.has(path, entry.hash) || documentCache.unsaved.has(path))
    );
  }

  /** Indexes files concurrently: one for each thread, and a few more that are being read. */
  private async each(queue: PassQueue, signal: AbortSignal): Promise<void> {
    const { pool, progress, yieldToForeground } = this.context;
    const lane = async (): Promise<void> => {
      for (;;) {
        signal.throwIfAborted();
        if (this.paused) await this.waitWhilePaused(signal);
        if (yieldToForeground) await queue.urgentOr(yieldToForeground());
        await this.choosing;
        const file = queue.take();
        if (!file) return;
        await this.actions.index(file);
        queue.done(file.path);
        progress.done++;
        progress.changed();
        await this.actions.fileDone(signal);
      }
    };
    await Promise.all(Array.from({ length: pool.width + 2 }, lane));
  }

  private async waitWhilePaused(signal: AbortSignal): Promise<void> {
    const { progress } = this.context;
    progress.set('paused', l10n.t('Paused by you'));
    await Promise.race([
      this.paused,
      new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true })),
    ]);
    signal.throwIfAborted();
    progress.set('indexing', l10n.t('Indexing'));
  }
}

/** The first paths of files that together are small enough. */
function withinLimits(paths: readonly string[], sizes: ReadonlyMap<string, number>): readonly string[] {
  let bytes = 0;
  const end = paths.findIndex((path, i) => {
    bytes += sizes.get(path) ?? 0;
    return i >= MOST_LIKELY || (i >= FEWEST_LIKELY && bytes > LIKELY_BYTES);
  });
  return end < 0 ? paths : paths.slice(0, end);
}
