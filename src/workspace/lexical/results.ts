import type { DocumentId, FieldWeights, IndexedSegment } from './types';

/** Most terms of one query: a document's matches are bits of one 32-bit word. */
export const MAX_QUERY_TERMS = 32;

export interface SearchOptions {
  documents: FieldWeights;
  segments: FieldWeights;
  /** Most documents returned. */
  limit: number;
  /** Most segments returned for each document. */
  segmentsPerDocument: number;
  /** Leaves out documents for which it is false; term statistics stay those of the whole index. */
  filter?: (path: string) => boolean;
}

/** Bit i of a mask speaks of query term i. */
export interface SegmentHit extends IndexedSegment {
  /** BM25F. */
  score: number;
  matched: number;
  symbol: number;
  doc: number;
  breadcrumb: number;
}

export interface DocumentHit {
  docId: DocumentId;
  path: string;
  language: string;
  imports: readonly string[];
  /** Terms in the document. */
  length: number;
  /** BM25F. */
  score: number;
  matched: number;
  symbol: number;
  doc: number;
  /** Terms in its path, file name included. */
  inPath: number;
  /** Best first. */
  segments: readonly SegmentHit[];
}

export interface LexicalResult {
  documents: readonly DocumentHit[];
  /** Inverse document frequency of each query term over documents; 0 where the index has none. */
  documentIdf: readonly number[];
  segmentIdf: readonly number[];
}
