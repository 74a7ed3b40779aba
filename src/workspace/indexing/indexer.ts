import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { WorkspaceFolders } from '../sources/folders';
import { documentOfText, ReadError, readDocument } from '../sources/read';
import { OWN_IGNORE_FILE } from '../sources/rules';
import { walk, WalkReport, type WalkedFile } from '../sources/walk';
import { whyFile } from '../sources/why';
import type { LexicalIndex } from '../lexical/lexical-index';
import type { LexicalStoreError } from '../lexical/types';
import type { SegmenterPool } from '../segments/pool';
import type { DocumentCache } from '../document-cache';
import type { Catalogue } from '../store/catalogue';
import { IndexWriter } from './index-writer';
import type { Progress } from './progress';

export interface IndexSettings {
  /** Globs of `files.exclude`. */
  filesExclude: readonly string[];
  maxFileBytes: number;
  /** Follows links that leave the workspace folders; off by default. */
  followLinks?: boolean;
}

export interface FileChange {
  /** Absolute path. */
  file: string;
  type: 'created' | 'changed' | 'deleted';
}

export interface IndexerContext {
  folders: WorkspaceFolders;
  settings: IndexSettings;
  catalogue: Catalogue;
  lexical: LexicalIndex;
  pool: SegmenterPool;
  documentCache: DocumentCache;
  progress: Progress;
  /** Workspace paths to read before the rest. */
  first: ReadonlySet<string>;
  /** False once another process has taken the store over. */
  ownsStore: () => boolean;
  /** Awaited before each file of a pass: somebody may be waiting for an answer. */
  yieldToForeground?: () => Promise<void>;
}

/** From so many changed files on (a branch switch), walking anew is cheaper than asking the rules for each. */
const BURST = 200;
/** More changed files than this are worth the threads. */
const FEW = 8;

/**
 * Brings catalogue and lexical index in line with the disk: the whole workspace in a pass, single files in `update`.
 */
export class Indexer {
  private readonly turns = new Map<string, Promise<void>>();
  /** The latest change of an editor whose text is being segmented, by workspace path. */
  private readonly typed = new Map<string, symbol>();
  private resume: (() => void) | undefined;
  private paused: Promise<void> | undefined;
  private readonly writer: IndexWriter;

  constructor(readonly context: IndexerContext) {
    this.writer = new IndexWriter(context);
  }

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

  /**
   * One pass over the workspace. Files whose time and size are known are not read, files whose text is known are not
   * segmented. Files that are gone are removed. All can be found when it is done; `write` makes it last.
   * Throws only when aborted.
   */
  async pass(signal: AbortSignal): Promise<void> {
    const { folders, settings, catalogue, lexical, progress, documentCache, first } = this.context;
    const report = new WalkReport();
    progress.begin(report);
    progress.set('walking', 'Looking for files');
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
      if (!found.has(path) && !documentCache.unsaved.has(path)) this.remove(path);
    for (const { docId } of [...lexical.documents()])
      if (!found.has(docId) && !documentCache.unsaved.has(docId)) lexical.remove(docId);
    // Texts of editors are not read from disk; a cleared index has lost them too.
    for (const [path, { document, segmented }] of documentCache.unsaved)
      if (!lexical.has(path, document.hash)) lexical.add(path, document, segmented);

    if (changed.length > 0) {
      progress.set('indexing', `Indexing ${changed.length} of ${found.size} files`);
      const order = [
        ...changed.filter(({ path }) => first.has(path)),
        ...changed.filter(({ path }) => !first.has(path)),
      ];
      await this.each(order, signal);
    }
  }

  private isUnchanged({ path, size, mtimeMs }: WalkedFile): boolean {
    const { catalogue, lexical, documentCache } = this.context;
    const entry = catalogue.entries.get(path);
    return (
      entry !== undefined &&
      entry.size === size &&
      entry.mtimeMs === mtimeMs &&
      (lexical.has(path, entry.hash) || documentCache.unsaved.has(path))
    );
  }

  /** A window of files is under way at a time: as many as the threads can take, and a few being read. */
  private async each(files: readonly WalkedFile[], signal: AbortSignal): Promise<void> {
    const { pool, progress, yieldToForeground } = this.context;
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < files.length) {
        signal.throwIfAborted();
        if (this.paused) await this.waitWhilePaused(signal);
        await yieldToForeground?.();
        const file = files[next++];
        if (!file) return;
        await this.indexFile(file.file, file.path, true);
        progress.done++;
        progress.changed();
        await this.writer.fileDone(signal);
      }
    };
    await Promise.all(Array.from({ length: pool.width + 2 }, lane));
  }

  private async waitWhilePaused(signal: AbortSignal): Promise<void> {
    const { progress } = this.context;
    progress.set('paused', 'Paused by you');
    await Promise.race([
      this.paused,
      new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true })),
    ]);
    signal.throwIfAborted();
    progress.set('indexing', 'Indexing');
  }

  /** Reads, segments and indexes one file; work on the same path is done one after another. */
  private indexFile(file: string, path: string, bulk: boolean): Promise<void> {
    const turn = (this.turns.get(path) ?? Promise.resolve()).then(() => this.indexNow(file, path, bulk));
    const settled = turn.finally(() => {
      if (this.turns.get(path) === settled) this.turns.delete(path);
    });
    this.turns.set(path, settled);
    return settled;
  }

  private async indexNow(file: string, path: string, bulk: boolean): Promise<void> {
    const { settings, catalogue, lexical, pool, documentCache, progress } = this.context;
    const typed = documentCache.unsaved.get(path);
    if (typed) {
      if (!lexical.has(path, typed.document.hash)) lexical.add(path, typed.document, typed.segmented);
      return;
    }
    try {
      const { document, size, mtimeMs, replaced } = await readDocument(file, path, settings.maxFileBytes);
      const { hash, language, text } = document;
      const before = catalogue.entries.get(path);
      if (before?.hash === hash && before.language === language && lexical.has(path, hash)) {
        // Touched, or saved as it was.
        catalogue.put({ ...before, size, mtimeMs });
        progress.settle(path);
        return;
      }
      const known = catalogue.segmented(hash, language);
      const { segmented, encoded } = known
        ? { segmented: known, encoded: undefined }
        : await (bulk ? pool.segment(document) : pool.segmentNow(document));
      if (documentCache.unsaved.has(path)) return;
      if (!lexical.has(path, hash)) lexical.add(path, document, segmented);
      catalogue.put(
        {
          path,
          size,
          mtimeMs,
          hash,
          language,
          segments: segmented.segments.length,
          characters: text.length,
          ...(replaced ? { replaced } : {}),
        },
        encoded,
      );
      documentCache.forget(path);
      progress.settle(path);
    } catch (error) {
      this.noteFailure(path, error);
    }
  }

  /** One file that cannot be read or segmented stops nothing else. */
  private noteFailure(path: string, error: unknown): void {
    const { progress } = this.context;
    const code = error instanceof ReadError ? error.code : 'failed';
    if (code === 'missing' || code === 'directory') this.remove(path);
    else if (code === 'binary' || code === 'tooLarge' || code === 'special') {
      this.remove(path);
      progress.skip(path, SKIPPED[code]);
    } else {
      // The indexed text stays until the file can be read again: it may be locked for a moment.
      const message = error instanceof Error ? error.message : String(error);
      progress.problem(path, message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message);
    }
  }

  private remove(path: string): void {
    const { catalogue, lexical, documentCache, progress } = this.context;
    catalogue.remove(path);
    lexical.remove(path);
    documentCache.forget(path);
    progress.settle(path);
  }

  // ── Single changes ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether changes are better met by a whole pass: many at once, new folders, or changed rules. */
  needsPass(changes: readonly FileChange[]): boolean {
    return changes.length > BURST || changes.some(({ file }) => isRuleFile(file));
  }

  /** Takes changes in; resolves to true when a pass is needed after all (a folder came). */
  async update(changes: readonly FileChange[]): Promise<boolean> {
    let pass = false;
    await Promise.all(
      changes.map(async ({ file }) => {
        const path = this.context.folders.pathOf(file);
        if (path === undefined) return;
        const kind = await stat(file).then(
          (info) => (info.isDirectory() ? 'folder' : 'file'),
          () => 'gone',
        );
        if (kind === 'folder') pass = true;
        else if (kind === 'gone') this.removeTree(path);
        else if (whyFile(file, this.context.folders, this.context.settings).indexed)
          await this.indexFile(file, path, changes.length > FEW);
        else this.remove(path);
      }),
    );
    return pass;
  }

  private removeTree(path: string): void {
    const { catalogue, documentCache } = this.context;
    if (!documentCache.unsaved.has(path)) this.remove(path);
    const below = `${path}/`;
    for (const known of [...catalogue.entries.keys()]) if (known.startsWith(below)) this.remove(known);
  }

  /**
   * The text of an editor with unsaved edits takes the file's place until `null` comes; at once, or with the next pass.
   */
  async setUnsaved(file: string, text: string | null, atOnce: boolean): Promise<void> {
    const { folders, documentCache, lexical, pool, catalogue, settings } = this.context;
    const path = folders.pathOf(file);
    if (path === undefined) return;
    if (text === null) {
      this.typed.delete(path);
      if (!documentCache.unsaved.delete(path)) return;
      const entry = catalogue.entries.get(path);
      if (entry && !lexical.has(path, entry.hash)) lexical.remove(path);
      if (atOnce) await this.update([{ file, type: 'changed' }]);
      return;
    }
    const why = whyFile(file, folders, settings);
    if (!why.indexed && why.rule) return;
    const turn = Symbol(path);
    this.typed.set(path, turn);
    const document = await documentOfText(file, path, text).catch(() => undefined);
    // An editor may hold no document for now (half of a notebook's JSON): the saved file stands.
    if (!document) return;
    const { segmented } = await pool.segmentNow(document);
    // Saved or typed on meanwhile: this text would hide what came after it.
    if (this.typed.get(path) !== turn) return;
    this.typed.delete(path);
    documentCache.unsaved.set(path, { document, segmented });
    if (atOnce && !lexical.has(path, document.hash)) lexical.add(path, document, segmented);
  }

  /** Writes everything to disk and merges packs. Never rejects because of the disk (IndexWriter). */
  write(signal?: AbortSignal): Promise<void> {
    return this.writer.write(signal);
  }

  /** The last failure to write the lexical index, until a write succeeds. */
  get lexicalFailure(): LexicalStoreError | undefined {
    return this.writer.lexicalFailure;
  }
}

/** Words of the status for files that turned out to be no documents. */
const SKIPPED = { binary: 'binary', tooLarge: 'too large', special: 'not a regular file' } as const;

/** A file whose content decides what is indexed. */
function isRuleFile(file: string): boolean {
  const name = basename(file);
  return name === '.gitignore' || name === OWN_IGNORE_FILE || /[\\/]\.git[\\/](?:info[\\/]exclude|HEAD)$/.test(file);
}
