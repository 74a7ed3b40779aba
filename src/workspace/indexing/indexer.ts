import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { inParallel } from '../../base';
import { documentOfText, ReadError, readDocument } from '../sources/read';
import { isPrivateKey } from '../sources/secrets';
import { OWN_IGNORE_FILE } from '../sources/rules';
import { whyFile } from '../sources/why';
import type { LexicalStoreError, QueryTerm } from '../lexical/types';
import type { IndexerContext } from './context';
import { IndexWriter } from './index-writer';
import { Pass } from './pass';

export type { IndexSettings } from './context';

export interface FileChange {
  /** Absolute path. */
  file: string;
  type: 'created' | 'changed' | 'deleted';
}

/** Number of changed files from which a walk is cheaper than checking the rules for each file (a branch switch). */
const BURST = 200;
/** Maximum number of changed files that are segmented without threads. */
const FEW = 8;
/** Changed files that are open at once. A process may have few descriptors (256 on macOS). */
const LANES = 16;

/**
 * Brings the catalogue and the lexical index in line with the disk: the whole workspace in `pass`, single files in
 * `update`.
 */
export class Indexer {
  private readonly turns = new Map<string, Promise<void>>();
  /** Latest edit of each editor whose text is being segmented, by workspace path. */
  private readonly typed = new Map<string, symbol>();
  private readonly writer: IndexWriter;
  private readonly passes: Pass;
  /** A pass has found every file. */
  private complete = false;

  constructor(readonly context: IndexerContext) {
    this.writer = new IndexWriter(context);
    this.passes = new Pass(context, {
      index: ({ file, path }) => this.indexFile(file, path, true),
      remove: (path) => this.remove(path),
      fileDone: (signal) => this.writer.fileDone(signal),
    });
  }

  pause(paused: boolean): void {
    this.passes.pause(paused);
  }

  get isPaused(): boolean {
    return this.passes.isPaused;
  }

  /**
   * Runs one pass over the workspace (pass.ts). Afterwards all files are searchable, and `write` makes the index
   * durable.
   * @throws only when aborted
   */
  async pass(signal: AbortSignal): Promise<void> {
    await this.passes.run(signal);
    this.complete = true;
  }

  /** Lets a question that needs all files go before other work (pass.ts). */
  finish(): Promise<void> {
    return this.passes.finish();
  }

  /** Lets a question go before the rest of a running pass (pass.ts). */
  advance(terms: readonly QueryTerm[], isAsked: (path: string) => boolean): Promise<void> {
    return this.passes.advance(terms, isAsked);
  }

  /** Reads, segments and indexes one file. Work on the same path is serialized. */
  private indexFile(file: string, path: string, bulk: boolean): Promise<void> {
    const turn = (this.turns.get(path) ?? Promise.resolve()).then(() => this.indexNow(file, path, bulk));
    const settled = turn.finally(() => {
      if (this.turns.get(path) === settled) this.turns.delete(path);
    });
    this.turns.set(path, settled);
    return settled;
  }

  private async indexNow(file: string, path: string, bulk: boolean): Promise<void> {
    const { folders, settings, catalogue, lexical, pool, documentCache, progress, extractions } = this.context;
    const typed = documentCache.unsaved.get(path);
    if (typed) {
      if (!lexical.has(path, typed.document.hash)) lexical.add(path, typed.document, typed.segmented);
      return;
    }
    try {
      const { document, size, mtimeMs, replaced, encoding } = await readDocument(
        file,
        path,
        settings.maxFileBytes,
        extractions,
        folders.encodingOf(file),
      );
      const { hash, language, text } = document;
      const secret = isPrivateKey(text);
      if (secret && !settings.secrets) {
        this.remove(path);
        progress.skip(path, 'secret');
        return;
      }
      const before = catalogue.entries.get(path);
      if (before?.hash === hash && before.language === language && lexical.has(path, hash)) {
        // The file was touched, or saved unchanged.
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
          ...(secret ? { secret } : {}),
          ...(encoding ? { encoding } : {}),
        },
        encoded,
      );
      documentCache.forget(path);
      progress.settle(path);
    } catch (error) {
      this.noteFailure(path, error);
    }
  }

  /** Records a file that cannot be read or segmented. Other files are not affected. */
  private noteFailure(path: string, error: unknown): void {
    const { progress } = this.context;
    const code = error instanceof ReadError ? error.code : 'failed';
    if (code === 'missing' || code === 'directory') this.remove(path);
    else if (code === 'binary' || code === 'tooLarge' || code === 'special') {
      this.remove(path);
      progress.skip(path, SKIPPED[code]);
    } else {
      // The indexed text stays until the file can be read again, because it may be locked for a moment.
      const known = error instanceof ReadError ? error.reason : undefined;
      const message = known ?? (error instanceof Error ? error.message : String(error));
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

  /**
   * Whether a whole pass handles the changes better than single updates: many at once, new folders, or changed rules.
   */
  needsPass(changes: readonly FileChange[]): boolean {
    return changes.length > BURST || changes.some(({ file }) => isRuleFile(file));
  }

  /** Indexes changes. Resolves to true when a pass is needed after all, because a folder was added. */
  async update(changes: readonly FileChange[]): Promise<boolean> {
    let pass = false;
    await inParallel(changes, LANES, async ({ file }) => {
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
    });
    return pass;
  }

  private removeTree(path: string): void {
    const { catalogue, documentCache } = this.context;
    if (!documentCache.unsaved.has(path)) this.remove(path);
    const below = `${path}/`;
    for (const known of [...catalogue.entries.keys()]) if (known.startsWith(below)) this.remove(known);
  }

  /** Indexes an editor's unsaved text in place of the file, at once or with the next pass. `null` restores the file. */
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
    // The editor's text is not a valid document for now (half of a notebook's JSON), so the saved file stays.
    if (!document || (!settings.secrets && isPrivateKey(document.text))) return;
    const { segmented } = await pool.segmentNow(document);
    // The file was saved or edited meanwhile, and this text would hide the newer one.
    if (this.typed.get(path) !== turn) return;
    this.typed.delete(path);
    documentCache.unsaved.set(path, { document, segmented });
    if (atOnce && !lexical.has(path, document.hash)) lexical.add(path, document, segmented);
  }

  /** Writes the index to disk and merges packs. Never rejects because of the disk (IndexWriter). */
  async write(signal?: AbortSignal): Promise<void> {
    const { complete } = this;
    if ((await this.writer.write(signal)) && complete) this.context.stored?.();
  }

  /** Forgets that every file was found, because the index is cleared. */
  restart(): void {
    this.complete = false;
  }

  /** The last failure to write the lexical index. Cleared by a successful write. */
  get lexicalFailure(): LexicalStoreError | undefined {
    return this.writer.lexicalFailure;
  }
}

/** Status texts for files that turned out not to be documents. */
const SKIPPED = { binary: 'binary', tooLarge: 'too large', special: 'not a regular file' } as const;

/** Whether a file's content decides which files are indexed. */
function isRuleFile(file: string): boolean {
  const name = basename(file);
  return name === '.gitignore' || name === OWN_IGNORE_FILE || /[\\/]\.git[\\/](?:info[\\/]exclude|HEAD)$/.test(file);
}
