import { AppError } from '../../base';

/**
 * Input and output of the lexical index. It has one entry per document and one per segment below it. Each result is
 * addressed by (document, segment ordinal), where the ordinal is the index in `SegmentedDocument.segments`.
 */

/** Identifies a live document. The indexer uses the workspace path. */
export type DocumentId = string;

/** One term of a question and its weight. */
export interface QueryTerm {
  /** A term of `terms.ts`: a stem, a whole identifier, or a bigram. */
  term: string;
  /** Factor on the term's inverse document frequency; 1 for a plain word. */
  weight: number;
  /**
   * Terms of the same meaning. An occurrence counts as `weight` (0…1) of an occurrence of `term`. They share one
   * saturation curve and one document frequency, as in Lucene's synonym query, so an abbreviation does not score
   * twice.
   */
  alternatives?: readonly { term: string; weight: number }[];
}

/**
 * Weights and length normalizations of BM25F (Zaragoza et al., TREC 2004): tf' = Σ_f w_f · tf_f / (1 − b_f + b_f ·
 * len_f / avg_f).
 */
export interface FieldWeights {
  /** Saturation of the summed frequency. */
  k1: number;
  /** Length normalization of the body, 0…1. */
  b: number;
  body: number;
  /** Names defined in the segment. */
  symbol: number;
  /** Doc comments of its definitions. */
  doc: number;
  /** Names of the enclosing definitions or headings (class of a method, heading of a paragraph). */
  breadcrumb: number;
  /** Folder and file names (documents only). */
  path: number;
}

/** Fields of a segment in which a term occurs; bits of a posting. */
export const enum Field {
  Symbol = 1,
  Doc = 2,
  Breadcrumb = 4,
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
  /** Occurrences in the segment's body. */
  frequency: number;
  /** Whether the segment begins a definition whose name is the term or, for a word, contains it. */
  defines: boolean;
}

/** An unusable pack and the reason. Its documents must be added again. */
export interface DamagedPack {
  file: string;
  reason: string;
}

export interface LexicalStatus {
  documents: number;
  segments: number;
  packs: number;
  /** Size on disk in bytes. */
  bytes: number;
  /** Bytes of memory for unflushed documents. */
  pendingBytes: number;
}

export type LexicalErrorCode = 'lexicalWriteFailed' | 'lexicalDiskFull' | 'lexicalClosed' | 'lexicalCorrupt';

/** The lexical index cannot read or write its store. */
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
