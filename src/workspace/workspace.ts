import type { Coverage, WhyFile } from '../protocol';
import { join } from 'node:path';
import { WorkspaceFolders } from './sources/folders';
import { Extractions } from './sources/extractions';
import { readDocument } from './sources/read';
import { RulesOnce } from './sources/why';
import { whyIndexed } from './indexing/why-indexed';
import { type FileChange, Indexer, type IndexSettings } from './indexing/indexer';
import { type WorkspaceStatus, Progress } from './indexing/progress';
import { type Asked, Upkeep } from './indexing/upkeep';
import type { LexicalIndex } from './lexical/lexical-index';
import { LexicalStoreError } from './lexical/types';
import { type Definition, definitionsOf, type LookupContext, type Use, usersOf } from './lookups';
import { LONG_BYTES, LongFiles } from './long-files';
import { SegmenterPool } from './segments/pool';
import { DocumentCache } from './document-cache';
import type { Catalogue } from './store/catalogue';
import { beginAgain, markComplete, openStore, type OpenStore } from './store/open-store';
import type { DocumentReader } from './read-document';
import type { Document, SegmentedDocument, WorkspaceFolder } from './types';
import { isUntitled, UntitledDocuments } from './untitled';
import type { IndexedFile, WorkspaceOptions } from './workspace-options';

export type { Definition, Use } from './lookups';
export type { FileChange, IndexSettings } from './indexing/indexer';
export type { WorkspaceStatus } from './indexing/progress';
export type { IndexedFile, WorkspaceOptions } from './workspace-options';

/**
 * The files, segments and index of a workspace behind one interface, for the worker and the terminal. Searches work at
 * any time on the index so far, and report its coverage.
 *
 *     const workspace = await Workspace.open({ folders, storageDirectory, settings });
 *     workspace.start(signal);                      // the first pass; resolves when it is done
 *     await new Search({ workspace }).search(question, { scope: { kind: 'workspace' }, limit: 20 });
 *     await workspace.close();
 */
export class Workspace {
  private readonly progress = new Progress();
  private readonly pool: SegmenterPool;
  private readonly untitled: UntitledDocuments;
  private readonly documentCache: DocumentCache;
  private readonly extractions: Extractions;
  private readonly indexer: Indexer;
  private readonly upkeep: Upkeep;
  private warmUpSearch: ((question: string) => Promise<unknown>) | undefined;
  private folders: WorkspaceFolders;
  private first: ReadonlySet<string> = new Set();
  private closed = false;
  /** Texts that are too long to be read whole. */
  readonly long = new LongFiles(() => ({
    folders: this.folders,
    settings: this.indexer.context.settings,
    isOpen: (path) => this.documentCache.typed(path) !== undefined,
  }));
  private readonly catalogue: Catalogue;
  private readonly lexical: LexicalIndex;

  private constructor(
    options: WorkspaceOptions,
    private readonly store: OpenStore,
  ) {
    const { catalogue, lexical, directory, lock } = store;
    this.catalogue = catalogue;
    this.lexical = lexical;
    this.folders = new WorkspaceFolders(options.folders);
    this.pool = new SegmenterPool({
      threads: options.threads ?? 2,
      script: options.threadScript,
      grammars: options.grammars,
    });
    const { extractionScript: script } = options;
    this.extractions = new Extractions({
      ...(directory === undefined ? {} : { directory: join(directory, 'extracted') }),
      ...(script === undefined ? {} : { script }),
    });
    this.untitled = new UntitledDocuments(this.pool);
    this.documentCache = new DocumentCache(catalogue, this.pool, () => this.folders, this.extractions);
    this.indexer = new Indexer({
      folders: this.folders,
      settings: options.settings,
      catalogue,
      lexical,
      pool: this.pool,
      documentCache: this.documentCache,
      extractions: this.extractions,
      progress: this.progress,
      first: this.first,
      ownsStore: () => lock?.touch() ?? true,
      stored: () => lock && markComplete(lock.directory),
      yieldToForeground: options.yieldToForeground,
    });
    this.upkeep = new Upkeep(this.indexer, this.pool, async (question) => this.warmUpSearch?.(question));
    lexical.onDamage = (lost) => this.upkeep.reindex(lost.flatMap((path) => this.folders.fileOf(path) ?? []));
  }

  /** Opens the stored index (open-store.ts), which can be searched at once. Reads no workspace file before `start`. */
  static async open(options: WorkspaceOptions): Promise<Workspace> {
    return new Workspace(options, await openStore(options.storageDirectory, options.store));
  }

  // ── Indexing ────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Brings the index in line with the disk and writes it. Resolves when done or aborted. Never rejects: failures are
   * in the status.
   */
  start(signal?: AbortSignal): Promise<void> {
    return this.upkeep.begin(signal).done;
  }

  /** Problems found when the store was opened, as messages for the user. */
  get notices(): readonly string[] {
    return this.store.notices;
  }

  /** The process that writes the index, when this one only reads it. */
  get sharedWith(): number | undefined {
    return this.store.sharedWith;
  }

  /** Returns the reason why the index is only in memory, if it is. */
  trouble(): string | undefined {
    const failure = this.catalogue.failure ?? this.indexer.lexicalFailure;
    const { directory, storageDirectory, notices } = this.store;
    return failure?.message ?? (directory || !storageDirectory ? undefined : notices.at(-1));
  }

  /** Pauses or resumes a pass. Saved files are still indexed. */
  pause(paused: boolean): void {
    this.indexer.pause(paused);
  }

  /**
   * Stops the current pass, or skips the first one. The index so far is kept, and saved files are still indexed.
   * `start` resumes the pass.
   */
  cancel(): Promise<void> {
    return this.upkeep.cancel();
  }

  /** Sets the files to read first, most important first (open editors). */
  setFirst(files: readonly string[]): void {
    this.first = new Set(files.flatMap((file) => this.folders.pathOf(file) ?? []));
    this.indexer.context.first = this.first;
  }

  /** Handles file events. Resolves once the changes are searchable. Bursts are indexed together. */
  applyChanges(changes: readonly FileChange[]): Promise<void> {
    return this.upkeep.applyChanges(changes);
  }

  /** Sets the text of an editor with unsaved edits; null once it is saved or closed. An untitled one has a language. */
  async setUnsaved(file: string, text: string | null, language?: string): Promise<void> {
    if (isUntitled(file)) this.untitled.set(file, text, language);
    else await this.upkeep.setUnsaved(file, text);
  }

  async setFolders(folders: readonly WorkspaceFolder[]): Promise<void> {
    const before = this.progress.state;
    await this.upkeep.stopPass();
    this.folders = new WorkspaceFolders(folders);
    this.indexer.context.folders = this.folders;
    this.documentCache.clear();
    // An older encoding may be read otherwise now; the next question reads such files again.
    for (const { path, encoding } of this.catalogue.entries.values()) if (encoding) this.documentCache.stale.add(path);
    // Adding or removing a folder changes the prefix of paths.
    const typed = [...this.documentCache.unsaved.values()].map(({ document }) => document);
    this.documentCache.unsaved.clear();
    for (const { file, text } of typed) await this.indexer.setUnsaved(file, text, false);
    if (before !== 'idle') await this.start();
  }

  async setSettings(settings: IndexSettings): Promise<void> {
    const before = this.indexer.context.settings;
    this.indexer.context.settings = settings;
    const same =
      before.maxFileBytes === settings.maxFileBytes &&
      before.followLinks === settings.followLinks &&
      before.secrets === settings.secrets &&
      JSON.stringify(before.filesExclude) === JSON.stringify(settings.filesExclude);
    if (same || this.progress.state === 'idle') return;
    await this.upkeep.stopPass();
    await this.start();
  }

  /**
   * Deletes the index, and those of other versions. Returns the bytes freed on disk.
   * @throws StoreError `storeLocked` when another process writes it
   */
  async clear(): Promise<number> {
    beginAgain(this.store);
    await this.upkeep.stopPass();
    this.indexer.restart();
    const freed = (await this.lexical.clear()) + (await this.catalogue.clear()) + (await this.extractions.clear());
    this.documentCache.clear();
    this.progress.set('idle', 'Cleared');
    return freed;
  }

  async rebuild(): Promise<void> {
    await this.clear();
    await this.start();
  }

  // ── Answers ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Names of the project as a whole, in lower case. None with several folders. */
  get ownNames(): readonly string[] {
    return this.folders.ownNames;
  }

  /** The lexical index, for a ranking. */
  get index(): LexicalIndex {
    return this.lexical;
  }

  /** Reads indexed documents by id, for a ranking. */
  get reader(): DocumentReader {
    return this.documentCache;
  }

  /** Returns the workspace path of an absolute file path. Undefined outside all workspace folders. */
  pathOf(file: string): string | undefined {
    return this.folders.pathOf(file);
  }

  /** Resolves when reported changes and the likely files of a question are searchable, or after a short time. */
  caughtUp(question?: Asked): Promise<void> {
    return this.upkeep.caughtUp(question);
  }

  /** Waits for a pass that runs, for a limited time. Resolves to whether it has found every file. */
  whenIndexed(signal?: AbortSignal): Promise<boolean> {
    return this.upkeep.whenIndexed(signal);
  }

  /**
   * Runs `read` on the index. A damaged part is rebuilt first, so that no answer comes from half an index. If that
   * takes long, the coverage reports the missing files.
   */
  async withRepair<T>(read: () => Promise<T>): Promise<T> {
    for (let parts = this.lexical.status().packs; ; parts--) {
      await this.upkeep.repaired();
      try {
        return await read();
      } catch (error) {
        // A damaged part is found once, because it then leaves the index.
        if (!(error instanceof LexicalStoreError) || error.code !== 'lexicalCorrupt' || parts < 0) throw error;
      }
    }
  }

  /** Indexes files that reads found changed. Resolves to false when there were none. */
  async refreshStale(): Promise<boolean> {
    const { stale } = this.documentCache;
    if (stale.size === 0) return false;
    const files = [...stale].flatMap((path) => this.folders.fileOf(path) ?? []);
    stale.clear();
    await this.upkeep.refresh(files);
    return true;
  }

  /** Sets the search that runs after indexing, so that the first question finds warm caches. */
  setWarmUp(search: (question: string) => Promise<unknown>): void {
    this.warmUpSearch = search;
  }

  coverage(): Coverage {
    const filesIndexed = Math.max(0, this.catalogue.entries.size - this.upkeep.lost);
    const { state } = this.progress;
    const held = state === 'paused' || state === 'cancelled' ? { held: state } : {};
    return {
      filesIndexed,
      filesKnown: Math.max(this.progress.known, this.catalogue.entries.size),
      indexing: state === 'walking' || state === 'indexing' || state === 'paused' || this.upkeep.lost > 0,
      ...held,
    };
  }

  /**
   * Returns the file's current document, unsaved edits included. Longer texts are read in windows (`long`).
   * @throws ReadError
   */
  async read(file: string): Promise<Document> {
    const untitled = this.untitled.get(file);
    if (untitled) return untitled;
    const path = this.folders.pathOf(file) ?? file;
    const open = this.documentCache.typed(path);
    const most = Math.max(LONG_BYTES, this.indexer.context.settings.maxFileBytes);
    if (open) return open.document;
    const known = this.documentCache.known(path);
    if (known) return known;
    return (await readDocument(file, path, most, this.extractions, this.folders.encodingOf(file))).document;
  }

  async segmentsOf(document: Document): Promise<SegmentedDocument> {
    const open = this.documentCache.typed(document.path);
    if (open?.document.hash === document.hash) return open.segmented;
    return (
      this.catalogue.segmented(document.hash, document.language) ?? (await this.pool.segmentNow(document)).segmented
    );
  }

  /**
   * Finds definitions of exactly this name, likeliest first.
   * @param within an untitled document, whose own definitions come first
   */
  async definitions(name: string, within?: string): Promise<Definition[]> {
    const found = await this.withRepair(() => definitionsOf(name, this.lookupContext()));
    return within === undefined ? found : [...(await this.untitled.definitions(within, name)), ...found];
  }

  /** Finds lines that use a name. */
  users(name: string, options: { limit: number; signal?: AbortSignal }): Promise<{ users: Use[]; more: number }> {
    return this.withRepair(() => usersOf(name, options.limit, this.lookupContext(), options.signal));
  }

  private lookupContext(): LookupContext {
    return { lexical: this.lexical, documentCache: this.documentCache, folders: this.folders };
  }

  /** Tells whether a file is indexed, and which rule decides. Reads a file without an entry, to tell what is wrong. */
  async why(file: string): Promise<WhyFile> {
    return (await this.whyEach([file]))[0] as WhyFile;
  }

  /** The same for several files. Reads each rule once. */
  whyEach(files: readonly string[]): Promise<WhyFile[]> {
    const { folders, catalogue, documentCache, extractions, progress } = this;
    const { settings } = this.indexer.context;
    const isReady = progress.state === 'ready';
    const context = { folders, settings, catalogue, documentCache, extractions, isReady, rules: new RulesOnce() };
    return Promise.all(files.map((file) => whyIndexed(file, context)));
  }

  /** The encoding that a document was read in, where that is a guess. */
  guessedEncoding(path: string): string | undefined {
    const encoding = this.catalogue.entries.get(path)?.encoding;
    return encoding && !encoding.sure ? encoding.name : undefined;
  }

  /** Yields every indexed document. Unsaved edits replace their file. */
  *documents(): IterableIterator<IndexedFile> {
    for (const { path, language, mtimeMs, ...saved } of this.catalogue.entries.values()) {
      const file = this.folders.fileOf(path);
      if (file === undefined) continue;
      const typed = this.documentCache.typed(path);
      const { hash, segments } = typed
        ? { hash: typed.document.hash, segments: typed.segmented.segments.length }
        : saved;
      yield { path, file, hash, language, segments, mtimeMs };
    }
  }

  /** Returns an indexed document with its text and segments. Undefined when the file was changed or deleted since. */
  async indexed(path: string): Promise<{ document: Document; segmented: SegmentedDocument } | undefined> {
    return this.documentCache.read(path);
  }

  // ── Status ──────────────────────────────────────────────────────────────────────────────────────────────────────

  status(): WorkspaceStatus {
    const { progress, catalogue } = this;
    let { segments } = catalogue.totals;
    for (const [path, { segmented }] of this.documentCache.unsaved) {
      const saved = catalogue.entries.get(path);
      if (saved) segments += segmented.segments.length - saved.segments;
    }
    const { filesIndexed, filesKnown } = this.coverage();
    return {
      state: progress.state,
      reason: this.trouble() ?? progress.reason,
      filesKnown,
      filesIndexed,
      bytesIndexed: catalogue.totals.size,
      segments,
      storeBytes: catalogue.bytes + this.lexical.status().bytes,
      progress: progress.value,
      problems: progress.problems,
      ...(progress.moreProblems > 0 ? { moreProblems: progress.moreProblems } : {}),
      skipped: progress.skipped,
      memoryBytes: process.memoryUsage.rss(),
    };
  }

  /** Calls `listener` a few times a second while the status changes. Returns a function that unsubscribes. */
  onStatus(listener: (status: WorkspaceStatus) => void): () => void {
    return this.progress.onChange(() => listener(this.status()));
  }

  /** Ends a pass, writes the index to disk and releases the store. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    try {
      await this.upkeep.close();
    } finally {
      try {
        await this.catalogue.close();
        await this.lexical.close();
      } finally {
        await this.pool.close();
        await this.extractions.close();
        this.progress.close();
        this.store.lock?.release();
      }
    }
  }
}
