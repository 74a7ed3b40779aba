import type { IndexedFile } from '../../workspace';
import type { MemoryUnit } from './encoding-units';

/** A document that is cut. */
export interface KnownDocument {
  file: string;
  /** Of the text its units were cut from. */
  hash: string;
  units: readonly MemoryUnit[];
}

/**
 * The documents of a workspace on their way to their memories: listed, cut into units, encoded; and whose turn it is.
 * What is open comes first, then what changed lately, then the rest, of which all is cut before any is encoded.
 */
export class EncodingQueue {
  readonly known = new Map<string, KnownDocument>();
  /** Documents to be cut, with the number of segments that they were listed with. */
  private readonly waiting = new Map<string, { file: string; segments: number }>();
  /** Documents that are cut and lack memories. */
  private readonly incomplete = new Set<string>();
  /** Of each document that is listed, its path by its file. */
  private readonly paths = new Map<string, string>();
  private readonly recent = new Set<string>();
  private firstPass = true;
  private listed = false;
  /** Files open in editors, most recently used first. */
  open: readonly string[] = [];

  /**
   * Takes in what is new, has another text than its units were cut from or has lost memories, what was changed last
   * first, and forgets what is gone.
   */
  list(documents: Iterable<IndexedFile>, isDone: (path: string, known: KnownDocument) => boolean): void {
    const present = new Set<string>();
    this.paths.clear();
    for (const { path, file, hash, segments } of [...documents].sort((a, b) => b.mtimeMs - a.mtimeMs)) {
      present.add(path);
      this.paths.set(file, path);
      const known = this.known.get(path);
      if (known?.hash === hash && (this.incomplete.has(path) || isDone(path, known))) continue;
      this.waiting.set(path, { file, segments });
      this.incomplete.delete(path);
      if (known ? known.hash !== hash : !this.firstPass) this.recent.add(path);
    }
    for (const some of [this.known, this.waiting, this.incomplete])
      for (const path of some.keys()) if (!present.has(path)) some.delete(path);
    this.listed = true;
  }

  /**
   * The document whose turn it is: to be cut if it waits, else to be encoded. While nothing may be encoded all are cut
   * first.
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

  /** A document was cut, or could not be: it has changed since, and will be listed again. */
  cut(path: string, found: Omit<KnownDocument, 'file'> | undefined, isWhole: boolean): void {
    const file = this.waiting.get(path)?.file ?? this.known.get(path)?.file ?? '';
    this.waiting.delete(path);
    if (!found) return;
    this.known.set(path, { file, ...found });
    if (isWhole) this.recent.delete(path);
    else this.incomplete.add(path);
  }

  /** All that a document lacks is being made, or nothing more is to be made of it. */
  done(path: string): void {
    this.incomplete.delete(path);
    this.recent.delete(path);
  }

  /** What was to be made of these was not. */
  undone(paths: Iterable<string>): void {
    for (const path of paths) this.incomplete.add(path);
    this.firstPass = true;
  }

  /** Everything has had its turn; what is new from now on is recent. */
  ended(): void {
    this.firstPass = false;
    this.recent.clear();
  }

  /**
   * Units of the workspace, as often as they occur, and those whose memories there are; of what waits the number that
   * it was listed with.
   */
  count(has: (key: string) => boolean): { encoded: number; segments: number } {
    let encoded = 0;
    let segments = 0;
    for (const [path, { units }] of this.known) {
      // What its units were cut from is not its text any more.
      if (this.waiting.has(path)) continue;
      segments += units.length;
      for (const { key } of units) if (has(key)) encoded += 1;
    }
    for (const waiting of this.waiting.values()) segments += waiting.segments;
    return { encoded, segments };
  }

  /** Whether documents wait whose units nobody has counted. */
  get counting(): boolean {
    return !this.listed || this.waiting.size > 0;
  }

  forget(): void {
    for (const some of [this.known, this.waiting, this.incomplete, this.recent]) some.clear();
    this.listed = false;
    this.firstPass = true;
  }
}
