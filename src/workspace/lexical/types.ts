import { AppError } from '../../base';

/**
 * Input and output of the lexical index. It holds one entry per document and, below it, one per segment; every number
 * it returns is addressed by (document, segment ordinal), the ordinal being the place in `SegmentedDocument.segments`.
 */

/** Names a document while it is live. The indexer uses the workspace path. */
export type DocumentId = string;

/** One term of a question with what it is worth. */
export interface QueryTerm {
  /** A term as `terms.ts` makes them: a stem, a whole identifier, a bigram. */
  term: string;
  /** Multiplies the term's inverse document frequency; 1 for a plain word. */
  weight: number;
  /**
   * Terms that mean the same: an occurrence counts as one of `term` at `weight` (0…1) of it. They share one saturation
   * curve and one document frequency, as Lucene's synonym query does, so an abbreviation is not paid twice.
   */
  alternatives?: readonly { term: string; weight: number }[];
}

/**
 * Weights and length normalisations of BM25F (Zaragoza et al., TREC 2004): tf' = Σ_f w_f · tf_f / (1 − b_f + b_f ·
 * len_f / avg_f).
 */
export interface FieldWeights {
  /** Saturation of the summed frequency. */
  k1: number;
  /** Length normalisation of the body, 0…1. */
  b: number;
  body: number;
  /** Names defined here. */
  symbol: number;
  /** Doc comments of what is defined here. */
  doc: number;
  /** Names of what encloses a segment (class of a method, heading of a paragraph). */
  breadcrumb: number;
  /** Folder and file names (documents only). */
  path: number;
}

/** Which fields of a segment a term occurs in; bits of a posting. */
export const enum Field {
  Symbol = 1,
  Doc = 2,
  Breadcrumb = 4,
}

/** One document that is live in the index. */
export interface IndexedDocument {
  docId: DocumentId;
  path: string;
  language: string;
  hash: string;
  /** Import specifiers as segmented. */
  imports: readonly string[];
  segments: number;
  /** Terms in all segments. */
  length: number;
}

/** A line range of an indexed segment. */
export interface IndexedSegment {
  ordinal: number;
  startLine: number;
  endLine: number;
  kind: 'code' | 'prose' | 'data';
}

/** One posting of one term, for "where defined" and "who uses it". */
export interface Occurrence {
  docId: DocumentId;
  path: string;
  segment: IndexedSegment;
  /** Times in the segment's body. */
  frequency: number;
  /** A definition whose name is (or, for a word, contains) the term begins here. */
  defines: boolean;
}

/** A pack that could not be used, in words; its documents must be added again. */
export interface DamagedPack {
  file: string;
  reason: string;
}

export interface LexicalStatus {
  documents: number;
  segments: number;
  packs: number;
  /** Bytes on disk. */
  bytes: number;
  /** Bytes of memory of what is not yet flushed. */
  pendingBytes: number;
}

export type LexicalErrorCode = 'lexicalWriteFailed' | 'lexicalDiskFull' | 'lexicalClosed' | 'lexicalCorrupt';

/** A store of the index that cannot be written. */
export class LexicalStoreError extends AppError<LexicalErrorCode> {
  override readonly name = 'LexicalStoreError';

  constructor(
    code: LexicalErrorCode,
    readonly file: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, `${file}: ${message}`, undefined, options);
  }
}
