import { GrowableInt32 } from './growable';
import type { DocumentId } from './types';

/** One document of a part. Only strings are here; data per segment is in typed arrays. */
export interface PartDocument {
  docId: DocumentId;
  path: string;
  language: string;
  hash: string;
  imports: readonly string[];
}

export const SEGMENT_KINDS = ['code', 'prose', 'data'] as const;

/**
 * Columns of a part: one row per document and one per segment, in order of addition. The segments of a document are
 * adjacent.
 */
export class PartTables {
  readonly documents: PartDocument[] = [];
  /** First segment of each document. The next document's first segment ends it. */
  readonly firstSegment = new GrowableInt32(256);
  /** Number of terms in each document. */
  readonly documentLength = new GrowableInt32(256);
  readonly segmentDocument = new GrowableInt32();
  readonly segmentLength = new GrowableInt32();
  readonly startLine = new GrowableInt32();
  readonly endLine = new GrowableInt32();
  /** Index into SEGMENT_KINDS. */
  readonly segmentKind = new GrowableInt32();
  /** 1 for documents that were removed or replaced. */
  removed = new Uint8Array(256);
  live = 0;

  get segments(): number {
    return this.segmentDocument.length;
  }

  /** Adds a document row. Its segments follow through `addSegment`. */
  addDocument(document: PartDocument): number {
    const row = this.documents.push(document) - 1;
    this.firstSegment.push(this.segments);
    this.documentLength.push(0);
    if (row >= this.removed.length) {
      const grown = new Uint8Array(this.removed.length * 2);
      grown.set(this.removed);
      this.removed = grown;
    }
    this.live++;
    return row;
  }

  addSegment(startLine: number, endLine: number, kind: number, length: number): number {
    const row = this.documents.length - 1;
    this.segmentLength.push(length);
    this.startLine.push(startLine);
    this.endLine.push(endLine);
    this.segmentKind.push(kind);
    this.documentLength.data[row] = this.documentLength.at(row) + length;
    return this.segmentDocument.push(row);
  }

  endSegment(row: number): number {
    return row + 1 < this.documents.length ? this.firstSegment.at(row + 1) : this.segments;
  }

  remove(row: number): boolean {
    if (this.removed[row] === 1) return false;
    this.removed[row] = 1;
    this.live--;
    return true;
  }
}

/** Postings of one term in one part, ascending by segment. A reused buffer: valid until the next read. */
export class PostingList {
  length = 0;
  /** Segment rows of the part. */
  segments = new Int32Array(1024);
  /** Frequency in the body, shifted left by 3, and Field bits in the low three bits. */
  values = new Int32Array(1024);

  clear(capacity = 0): void {
    this.length = 0;
    if (capacity > this.segments.length) {
      const size = Math.max(capacity, this.segments.length * 2);
      this.segments = new Int32Array(size);
      this.values = new Int32Array(size);
    }
  }
}

/** A piece of the index: an immutable pack on disk, or the growing delta in memory. */
export interface Part {
  readonly tables: PartTables;
  /** Fills `into` with the postings of `term`. It is empty when the part has none. */
  read(term: string, into: PostingList): void;
}
