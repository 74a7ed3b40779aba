import { ByteCache } from '../base';
import { AsyncLocalStorage } from 'node:async_hooks';
import { statSync } from 'node:fs';
import type { WorkspaceFolders } from './sources/folders';
import type { Extractions } from './sources/extractions';
import { readDocument, readDocumentNow } from './sources/read';
import type { DocumentReader, ReadDocument } from './read-document';
import type { SegmenterPool } from './segments/pool';
import type { Catalogue } from './store/catalogue';

/** Maximum characters of recently read documents in the cache. */
const CACHE_CHARACTERS = 16_000_000;

/** Files up to this size are read synchronously, which is faster than a trip through the thread pool. */
const SMALL_BYTES = 256 << 10;

interface CachedDocument extends ReadDocument {
  mtimeMs: number;
  size: number;
}

const savedTexts = new AsyncLocalStorage<true>();

/** Runs the work of a client that must not see what an editor has not saved. */
export function withSavedTexts<T>(work: () => T): T {
  return savedTexts.run(true, work);
}

/**
 * Provides documents as they were indexed. An editor's unsaved text takes precedence; otherwise the file's text must
 * still have the hash in the catalogue. A file that has changed since is added to `stale` and not returned, because
 * its index entries no longer apply.
 */
export class DocumentCache implements DocumentReader {
  /** Texts of editors with unsaved edits, by workspace path. */
  readonly unsaved = new Map<string, ReadDocument>();
  /** Workspace paths whose file was found changed or gone. */
  readonly stale = new Set<string>();
  private readonly recent = new ByteCache<string, CachedDocument>(
    CACHE_CHARACTERS,
    ({ document }) => document.text.length,
  );

  constructor(
    private readonly catalogue: Catalogue,
    private readonly pool: SegmenterPool,
    private readonly folders: () => WorkspaceFolders,
    private readonly extractions?: Extractions,
  ) {}

  pathOf(file: string): string | undefined {
    return this.folders().pathOf(file);
  }

  /** The unsaved text of a file, for those who may see it. */
  typed(path: string): ReadDocument | undefined {
    return savedTexts.getStore() ? undefined : this.unsaved.get(path);
  }

  async read(path: string): Promise<ReadDocument | undefined> {
    const open = this.typed(path);
    if (open) return open;
    const entry = this.catalogue.entries.get(path);
    const file = this.folders().fileOf(path);
    if (!entry || file === undefined) return undefined;
    try {
      const { mtimeMs, size } = statSync(file);
      const known = this.recent.get(path);
      if (known && known.mtimeMs === mtimeMs && known.size === size && known.document.hash === entry.hash) return known;
      const encoding = this.folders().encodingOf(file);
      const read = await (size <= SMALL_BYTES
        ? readDocumentNow(file, path, this.extractions, encoding)
        : readDocument(file, path, undefined, this.extractions, encoding));
      if (read.document.hash !== entry.hash) {
        this.stale.add(path);
        return undefined;
      }
      const { language } = entry;
      const document = { ...read.document, language };
      const segmented = this.catalogue.segmented(entry.hash, language) ?? (await this.restore(path, document));
      return this.recent.set(path, { document, segmented, mtimeMs: read.mtimeMs, size: read.size });
    } catch {
      this.stale.add(path);
      return undefined;
    }
  }

  /** The document that was read last, if its file has kept its time and size. It spares another extraction. */
  known(path: string): ReadDocument['document'] | undefined {
    const known = this.recent.get(path);
    const file = known && this.folders().fileOf(path);
    if (!known || file === undefined) return undefined;
    const now = statSync(file, { throwIfNoEntry: false });
    return now?.mtimeMs === known.mtimeMs && now.size === known.size ? known.document : undefined;
  }

  /** Segments the document again after its stored segments were found damaged, and stores the result. */
  private async restore(path: string, document: ReadDocument['document']): Promise<ReadDocument['segmented']> {
    const { segmented, encoded } = await this.pool.segmentNow(document);
    const entry = this.catalogue.entries.get(path);
    if (entry?.hash === document.hash) this.catalogue.put(entry, encoded);
    return segmented;
  }

  forget(path: string): void {
    this.recent.delete(path);
  }

  clear(): void {
    this.recent.clear();
    this.stale.clear();
  }
}
