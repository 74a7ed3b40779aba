import { SerialQueue } from '../../base';
import { rm } from 'node:fs/promises';
import type { Document, SegmentedDocument } from '../types';
import { Delta } from './delta';
import { chooseMerge } from './merge-policy';
import { occurrencesIn } from './occurrences';
import { Pack } from './pack';
import { PackDirectory } from './pack-directory';
import { writePack } from './pack-writer';
import { type Part, PostingList } from './part';
import type { LexicalResult, SearchOptions } from './results';
import { Searcher } from './search';
import {
  type DamagedPack,
  type DocumentId,
  type LexicalStatus,
  LexicalStoreError,
  type Occurrence,
  type QueryTerm,
} from './types';
import type { UnreadDocuments } from './unread-documents';

/**
 * Inverted index over documents and their segments. It searches a few immutable packs on disk and a delta in memory
 * together.
 *
 *     const { index, damaged } = await LexicalIndex.open(directory);   // creates the directory when missing
 *     index.add(path, document, segmented);                             // searchable at once; replaces `docId`
 *     if (index.pendingBytes > budget) await index.flush();             // writes the delta as a pack, atomically
 *     index.search(terms, options);
 *     while (await index.merge()) {}                                    // in the background: fewer, smaller packs
 *     await index.close();
 *
 * `add`, `remove` and `search` are synchronous and may be called while a flush or merge runs. Unflushed documents are
 * missing after a crash, as are the documents of a damaged pack. The owner detects them with `has(docId, hash)` and
 * adds them again. A read that finds a damaged pack removes it and throws `lexicalCorrupt`, so that no result comes
 * from half an index. `onDamage` then reports the documents to add again. Only one process may have a directory open at
 * a time; the workspace's lock ensures this.
 */
export class LexicalIndex {
  private delta = new Delta();
  /** Deltas whose flush is running or failed. They stay searchable and are written at the next flush. */
  private frozen: Delta[] = [];
  private packs: Pack[] = [];
  private readonly live = new Map<DocumentId, { part: Part; row: number }>();
  private readonly searcher = new Searcher();
  private readonly list = new PostingList();
  private manifestDirty = false;
  private closed = false;
  /** Called with the documents of a damaged pack. They are no longer in the index and must be added again. */
  onDamage: (lost: readonly DocumentId[]) => void = () => undefined;
  /** Documents that a pass has yet to add; undefined when it has added all. */
  unread: UnreadDocuments | undefined;
  /** Serializes flushes and merges. */
  private readonly writes = new SerialQueue();

  private constructor(private readonly directory: PackDirectory | undefined) {}

  /** Creates an index without a store: `flush` and `merge` do nothing. */
  static inMemory(): LexicalIndex {
    return new LexicalIndex(undefined);
  }

  /**
   * Opens the index in `directory`. Unusable packs are deleted and reported, and their documents are absent from the
   * index.
   */
  static async open(directory: string): Promise<{ index: LexicalIndex; damaged: readonly DamagedPack[] }> {
    const store = new PackDirectory(directory);
    const index = new LexicalIndex(store);
    const { packs, damaged } = await store.open();
    for (const pack of packs) index.attach(pack);
    if (damaged.length > 0) index.manifestDirty = true;
    await store.sweep(index.packs);
    return { index, damaged };
  }

  /**
   * Opens the packs of an index that another process writes. What is added stays in memory, and nothing on disk is
   * changed.
   */
  static async openShared(directory: string): Promise<LexicalIndex> {
    const index = new LexicalIndex(undefined);
    for (const pack of await new PackDirectory(directory).openShared()) index.attach(pack);
    return index;
  }

  private attach(pack: Pack): void {
    this.packs.push(pack);
    pack.tables.documents.forEach(({ docId }, row) => {
      if (pack.tables.removed[row] === 1) return;
      // Two packs have the same document only if the store was modified by hand. The later pack is newer.
      this.remove(docId);
      this.live.set(docId, { part: pack, row });
    });
  }

  // ── Documents ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Estimated bytes of memory that `flush` would free. */
  get pendingBytes(): number {
    return this.delta.bytes + this.frozen.reduce((sum, delta) => sum + delta.bytes, 0);
  }

  add(docId: DocumentId, document: Document, segmented: SegmentedDocument): void {
    this.remove(docId);
    this.live.set(docId, { part: this.delta, row: this.delta.add(docId, document, segmented) });
  }

  /** Removes a document. Returns false when it was not indexed. */
  remove(docId: DocumentId): boolean {
    const place = this.live.get(docId);
    if (place === undefined) return false;
    this.live.delete(docId);
    this.manifestDirty = true;
    return place.part.tables.remove(place.row);
  }

  /** Whether `docId` is indexed with the text that has this hash. */
  has(docId: DocumentId, hash: string): boolean {
    const place = this.live.get(docId);
    return place !== undefined && place.part.tables.documents[place.row]?.hash === hash;
  }

  /** Documents of the index, in no order. */
  ids(): DocumentId[] {
    return [...this.live.keys()];
  }

  status(): LexicalStatus {
    let documents = 0;
    let segments = 0;
    for (const { tables } of this.parts()) {
      documents += tables.live;
      tables.documents.forEach(
        (_, row) => (segments += tables.removed[row] === 1 ? 0 : tables.endSegment(row) - tables.firstSegment.at(row)),
      );
    }
    const bytes = this.packs.reduce((sum, pack) => sum + pack.file.bytes, 0);
    return { documents, segments, packs: this.packs.length, bytes, pendingBytes: this.pendingBytes };
  }

  // ── Search ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private parts(): readonly Part[] {
    return [...this.packs, ...this.frozen, this.delta];
  }

  search(query: readonly QueryTerm[], options: SearchOptions): LexicalResult {
    const unread = this.unread?.count(
      query.map(({ term }) => term),
      (id) => this.live.has(id),
    );
    return this.guarded(() => this.searcher.search(this.parts(), query, options, unread));
  }

  /**
   * Finds at most `limit` segments with a term of `terms.ts`: a stem, a whole identifier, or `definitionTerm(name)`
   * for the definitions of exactly that name.
   */
  occurrences(term: string, limit: number): Occurrence[] {
    return this.guarded(() => occurrencesIn(this.parts(), term, limit, this.list));
  }

  /**
   * Removes a pack that `read` finds damaged.
   * @throws the error of `read`
   */
  private guarded<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      this.dropDamaged(error);
      throw error;
    }
  }

  private dropDamaged(error: unknown): void {
    if (!(error instanceof LexicalStoreError) || error.code !== 'lexicalCorrupt') return;
    const pack = this.packs.find(({ file }) => file.path === error.file);
    if (!pack) return;
    this.retire([pack]);
    if (this.directory) this.directory.discard(pack);
    else pack.close();
    const lost = [...this.live].filter(([, { part }]) => part === pack).map(([docId]) => docId);
    // Removed in the pack too: a merge that has read all of it may be about to put its rows in place.
    for (const docId of lost) this.remove(docId);
    this.onDamage(lost);
  }

  // ── Store ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Writes the delta as a pack. On failure (LexicalStoreError) the delta stays searchable, and the next flush writes
   * it.
   */
  flush(signal?: AbortSignal): Promise<void> {
    return this.exclusive(async (directory) => {
      if (this.delta.tables.documents.length > 0) {
        this.frozen.push(this.delta);
        this.delta = new Delta();
      }
      while (this.frozen.length > 0) {
        const delta = this.frozen[0] as Delta;
        await this.replace(directory, [delta], signal);
      }
      if (this.manifestDirty) await this.publish(directory);
    });
  }

  /**
   * Merges packs where that pays off. Resolves to false when there is nothing to do. Cancelling leaves the store
   * unchanged.
   */
  merge(signal?: AbortSignal): Promise<boolean> {
    return this.exclusive(async (directory) => {
      const chosen = new Set(
        chooseMerge(
          this.packs.map((pack) => ({
            bytes: pack.file.bytes,
            documents: pack.tables.documents.length,
            live: pack.tables.live,
          })),
        ),
      );
      const sources = this.packs.filter((_, i) => chosen.has(i));
      if (sources.length === 0) return false;
      try {
        await this.replace(directory, sources, signal);
      } catch (error) {
        this.dropDamaged(error);
        throw error;
      }
      await this.publish(directory);
      for (const pack of sources) {
        pack.close();
        await rm(pack.file.path, { force: true }).catch(() => undefined);
      }
      return true;
    }).then((merged) => merged === true);
  }

  /**
   * Replaces `sources` with one pack of their live documents. Documents removed during the write are removed from the
   * new pack too.
   */
  private async replace(
    directory: PackDirectory,
    sources: readonly Part[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (sources.every((source) => source.tables.live === 0)) {
      this.retire(sources);
      return;
    }
    const path = directory.newPack();
    const { rows, tables } = await writePack(path, sources, signal);
    const pack = Pack.open(path, tables);
    sources.forEach((source, i) => {
      source.tables.documents.forEach(({ docId }, row) => {
        const to = rows[i]?.[row] ?? -1;
        if (to < 0) return;
        if (source.tables.removed[row] === 1) pack.tables.remove(to);
        else this.live.set(docId, { part: pack, row: to });
      });
    });
    this.retire(sources);
    this.packs.push(pack);
  }

  private retire(sources: readonly Part[]): void {
    const gone = new Set(sources);
    this.frozen = this.frozen.filter((delta) => !gone.has(delta));
    this.packs = this.packs.filter((pack) => !gone.has(pack));
    this.manifestDirty = true;
  }

  private async publish(directory: PackDirectory): Promise<void> {
    this.manifestDirty = false;
    try {
      await directory.publish(this.packs);
    } catch (error) {
      this.manifestDirty = true;
      throw error;
    }
  }

  private exclusive<T>(work: (directory: PackDirectory) => Promise<T>): Promise<T | undefined> {
    return this.writes.run(async () => {
      if (this.closed)
        throw new LexicalStoreError('lexicalClosed', this.directory?.path ?? '(memory)', 'the index is closed');
      return this.directory === undefined ? undefined : work(this.directory);
    });
  }

  /** Waits for a running flush or merge, then closes the files. Unflushed documents are dropped. */
  async close(): Promise<void> {
    await this.writes.idle();
    this.closed = true;
    for (const pack of this.packs) pack.close();
    this.packs = [];
    this.live.clear();
  }

  /** Deletes everything, on disk too. Returns the bytes freed. The index stays usable. */
  async clear(): Promise<number> {
    await this.writes.idle();
    const { bytes } = this.status();
    for (const pack of this.packs) pack.close();
    this.packs = [];
    this.frozen = [];
    this.delta = new Delta();
    this.live.clear();
    if (this.directory !== undefined) {
      await this.publish(this.directory);
      await this.directory.sweep(this.packs);
    }
    return bytes;
  }
}
