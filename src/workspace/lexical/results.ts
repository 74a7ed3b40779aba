import type { DocumentId, FieldWeights, IndexedSegment } from './types';

/** Maximum number of terms in a query, because a document's matches are bits of one 32-bit word. */
export const MAX_QUERY_TERMS = 32;

export interface SearchOptions {
  documents: FieldWeights;
  segments: FieldWeights;
  /** Maximum number of documents returned. */
  limit: number;
  /** Maximum number of segments returned for each document. */
  segmentsPerDocument: number;
  /** Also returns the best segments over all documents, of one kind or of all. */
  bestSegments?: { kind?: IndexedSegment['kind']; limit: number };
  /** Excludes documents for which it returns false. Term statistics still cover the whole index. */
  filter?: (path: string) => boolean;
}

/** A matching segment. Bit i of a mask is query term i. */
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
  /** Number of terms in the document. */
  length: number;
  /** BM25F. */
  score: number;
  matched: number;
  symbol: number;
  doc: number;
  /** Bit mask of the terms in its path, file name included. */
  inPath: number;
  /** Best first. */
  segments: readonly SegmentHit[];
}

/** A segment among the best, with the BM25F score of its document. */
export interface BestSegment {
  docId: DocumentId;
  path: string;
  ordinal: number;
  startLine: number;
  score: number;
  documentScore: number;
}

export interface LexicalResult {
  documents: readonly DocumentHit[];
  /** Best first; empty unless the search asks for them. */
  segments: readonly BestSegment[];
  /** Inverse document frequency of each query term over documents; 0 for a term that no document has. */
  documentIdf: readonly number[];
  segmentIdf: readonly number[];
}
