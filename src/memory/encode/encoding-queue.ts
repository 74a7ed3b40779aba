import type { IndexedFile } from '../../workspace';
import type { EncodingUnit } from './encoding-units';

/** A document that was cut into units. */
export interface KnownDocument {
  file: string;
  /** Hash of the text that was cut. */
  hash: string;
  units: readonly EncodingUnit[];
}

/** Documents that are listed at once. */
const SLICE = 512;

/**
 * Orders the documents of a workspace for cutting and encoding: open files, then recent changes, then the rest. The
 * rest is cut completely before any of it is encoded.
 */
export class EncodingQueue {
  readonly known = new Map<string, KnownDocument>();
  /** Documents to be cut, with the number of their segments in the catalogue. */
  private readonly waiting = new Map<string, { file: string; segments: number }>();
  /** Documents that are cut and have units without memories. */
  private readonly incomplete = new Set<string>();
  /** Path of each listed file. */
  private paths: ReadonlyMap<string, string> = new Map();
  private readonly recent = new Set<string>();
  private firstPass = true;
  private listed = false;
  /** Files open in editors, most recently used first. */
  open: readonly string[] = [];

  /**
   * Replaces the list of documents. New and changed documents, and those with lost memories, are queued, latest change
   * first. Missing documents are dropped. A workspace may have a hundred thousand, so `pause` is called between slices.
   */
  async list(
    documents: Iterable<IndexedFile>,
    isDone: (path: string, known: KnownDocument) => boolean,
    pause: () => Promise<void>,
  ): Promise<void> {
    const all: IndexedFile[] = [];
    for (const document of documents) if (all.push(document) % SLICE === 0) await pause();
    all.sort((a, b) => b.mtimeMs - a.mtimeMs);
    const paths = new Map<string, string>();
    for (const [i, { path, file, hash, segments }] of all.entries()) {
      if (i % SLICE === 0) await pause();
      paths.set(file, path);
      const known = this.known.get(path);
      if (known?.hash === hash && (this.incomplete.has(path) || isDone(path, known))) continue;
      this.waiting.set(path, { file, segments });
      this.incomplete.delete(path);
      if (known ? known.hash !== hash : !this.firstPass) this.recent.add(path);
    }
    this.paths = paths;
    const present = new Set(paths.values());
    for (const some of [this.known, this.waiting, this.incomplete])
      for (const path of some.keys()) if (!present.has(path)) some.delete(path);
    this.listed = true;
  }

  /**
   * Returns the next document to be cut, or, when none waits, to be encoded. All documents are cut first while nothing
   * may be encoded.
   */
  next(mayEncode: boolean): string | undefined {
    const has = (path: string | undefined): boolean =>
      path !== undefined && (this.waiting.has(path) || (mayEncode && this.incomplete.has(path)));
    for (const file of this.open) if (has(this.paths.get(file))) return this.paths.get(file);
    for (const path of this.recent) if (has(path)) return path;
    for (const path of this.waiting.keys()) return path;
    for (const path of this.incomplete.keys()) return path;
    return undefined;
  }

  isUrgent(path: string): boolean {
    return this.recent.has(path) || this.open.some((file) => this.paths.get(file) === path);
  }

  isWaiting(path: string): boolean {
    return this.waiting.has(path);
  }

  /** Documents that wait to be cut. */
  toCut(): IterableIterator<string> {
    return this.waiting.keys();
  }

  /**
   * Records that a document was cut. Without `found`, the document has changed since it was indexed and will be listed
   * again.
   */
  setCut(path: string, found: Omit<KnownDocument, 'file'> | undefined, isWhole: boolean): void {
    const file = this.waiting.get(path)?.file ?? this.known.get(path)?.file ?? '';
    this.waiting.delete(path);
    if (!found) return;
    this.known.set(path, { file, ...found });
    if (isWhole) this.recent.delete(path);
    else this.incomplete.add(path);
  }

  /** Records that a document needs no further encoding. */
  done(path: string): void {
    this.incomplete.delete(path);
    this.recent.delete(path);
  }

  /** Puts the documents of a failed batch back in the queue. */
  requeue(paths: Iterable<string>): void {
    for (const path of paths) this.incomplete.add(path);
    this.firstPass = true;
  }

  /** Ends a pass. Documents that appear from now on count as recent. */
  endPass(): void {
    this.firstPass = false;
    this.recent.clear();
  }

  /**
   * Counts the units of the workspace and those in the store; repeated text counts each time. Documents not yet cut
   * count with their number in the catalogue.
   */
  count(
    has: (key: string) => boolean,
    isFromTeam: (key: string) => boolean,
  ): { encoded: number; segments: number; fromTeam: number } {
    let encoded = 0;
    let fromTeam = 0;
    let segments = 0;
    for (const [path, { units }] of this.known) {
      // The text has changed since its units were cut.
      if (this.waiting.has(path)) continue;
      segments += units.length;
      for (const { key } of units) {
        if (has(key)) encoded += 1;
        if (isFromTeam(key)) fromTeam += 1;
      }
    }
    for (const waiting of this.waiting.values()) segments += waiting.segments;
    return { encoded, segments, fromTeam };
  }

  /** Whether the number of units is still an estimate. */
  get counting(): boolean {
    return !this.listed || this.waiting.size > 0;
  }

  forget(): void {
    for (const some of [this.known, this.waiting, this.incomplete, this.recent]) some.clear();
    this.listed = false;
    this.firstPass = true;
  }
}
