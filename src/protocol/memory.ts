/**
 * Messages about compressed rows between the worker and the inference process, and the type of a composed context.
 * Rows travel as bytes (memory/rows.ts).
 */
import type { AnswerTiming, ContextLedger } from './answers';

// ── Memories of segments ──────────────────────────────────────────────────────────────────────────────────────────

/** Compression of a model: most tokens encoded at once, and the tokens that one coarse or fine row represents. */
export interface MemoryRatios {
  segmentTokens: number;
  coarseTokens: number;
  fineTokens: number;
}

/** Dense rows of a model: most tokens encoded at once, and the tokens that one row represents. */
export interface DenseRatio {
  segmentTokens: number;
  rowTokens: number;
}

/** Compressed rows of one text, as the model made them. */
export interface SegmentMemory {
  tokens: number;
  coarseRows: number;
  /** Fine rows that are not coarse rows too (memory/row-layout.ts, `coarsePlaces`). */
  restRows: number;
  bytesPerRow: number;
  /** Token ids of the text, two bytes each. Empty for models without token vectors. */
  ids: Uint8Array;
  /**
   * Vectors of the text's passages by the sentence encoder: signed bytes [passages, sentenceWidth], row-major. Empty
   * without an encoder.
   */
  passages: Uint8Array;
  coarse: Uint8Array;
  rest: Uint8Array;
}

/** Memory properties of a loaded model with memory slots. */
export interface MemoryDescription {
  /** Hash over weights, slots and token vectors. */
  fingerprint: string;
  ratios: MemoryRatios;
  /** Absent for models without slots for dense rows. */
  dense?: DenseRatio;
  /** Bytes of a stored row (f16). */
  storedRowBytes: number;
  /** Numbers of a passage's vector; 0 without a sentence encoder. */
  sentenceWidth: number;
  vocabSize: number;
  sinkRows: number;
  /** Positions the model was trained on. Every row of a composed context has one of them. */
  windowTokens: number;
}

// ── Questions ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** A question as segments are scored against it. */
export interface QueryEmbedding {
  /** [sentenceWidth], of length 1. Absent without a sentence encoder. */
  sentence?: Float32Array;
  /** Tokens of the question. */
  tokens: number;
  /** For late interaction. Absent for models without token vectors. */
  late?: TokenNeighbours;
}

/** The tokens of a question, in order, with the vocabulary tokens near to each. */
export interface TokenNeighbours {
  /**
   * [n]: length of each token's vector relative to the mean of the vocabulary, a learned weight: frequent tokens are
   * short. 0 for a repeated token.
   */
  weights: Float32Array;
  /** [n]: the same, for repeated tokens too. Weights the tokens of a run. */
  lengths: Float32Array;
  /** [n + 1]: start of each token's part of `ids` and `similarities`. */
  starts: Int32Array;
  /** Vocabulary ids, and their cosine with the question's token, in (0, 1]. */
  ids: Uint32Array;
  similarities: Float32Array;
}

// ── Composed contexts ─────────────────────────────────────────────────────────────────────────────────────────────

/**
 * A segment for which dense rows are computed, or reused from an earlier question with the same key. `before`: token
 * ids of its segment in front of a stretch, which tell the stretch's lines.
 */
export type DenseSegment = { key: string } & ({ ids: Uint16Array; before?: Uint16Array } | { text: string });

/** A segment that is read in full. Its rows are cached under the key. */
export interface FullSegment {
  key: string;
  text: string;
}

/** The request for a composed context. */
export interface ComposeParams {
  /** Rows for the whole workspace. They are sent once; a later request names their `id` only. */
  coarse: { id: string; rows?: Uint8Array; tokens: number };
  fine: { rows: Uint8Array; tokens: number };
  /** Least important first: the last stands next to the segments read in full. */
  dense?: readonly DenseSegment[];
  /** Least important first: the last stands next to the question. */
  full: readonly FullSegment[];
  question: string;
  /** True: the question is a user's turn, and the answer follows. False (default): the text is continued. */
  turn?: boolean;
  /** Id under which `compose/read` and `write/text` are reported. */
  id?: number;
  /** Most rows of the context. */
  capacityRows: number;
  maxNewTokens: number;
  /** A text whose likelihood after the question is measured. */
  follow?: string;
}

/** Rows of a segment in the context. `left`: they did not fit. */
export interface OnDemandRows {
  key: string;
  rows: number;
  /** Tokens that the rows represent. */
  tokens: number;
  /** `memory`: cached since an earlier question. */
  origin: 'computed' | 'memory' | 'left';
  /** First and last line of a stretch, relative to the first line of its segment. */
  lines?: readonly [first: number, last: number];
}

export interface ComposedRows {
  sinks: number;
  coarse: number;
  fine: number;
  /** In the order of the request. */
  dense: readonly OnDemandRows[];
  full: readonly OnDemandRows[];
  /** Uncompressed rows of the question. */
  question: number;
  /** Compressed rows of the beginning of a long question. */
  compressed: { rows: number; tokens: number };
  answer: number;
}

/** The state of a context that has been read, before text is written. */
export interface ComposeReading {
  /** False when the process no longer has the coarse rows named by `id`: send them again. */
  held: boolean;
  rows: ComposedRows;
  bytesPerRow: number;
  /** Positions used, of `windowTokens`. */
  positions: number;
  timing: { splice: number; read: number; decode: number; firstToken: number };
  cache: { hits: number; misses: number; evictions: number };
}

export interface ComposeResult extends ComposeReading {
  text: string;
  /** Geometric mean of the text's token probabilities, 0…1. */
  confidence: number;
  follow?: { nll: number; tokens: number };
}

/** A context that the model has read: its ledger, and the text written after it. */
export interface ComposedContext {
  ledger: ContextLedger;
  timing: AnswerTiming;
  /** Empty when no text was asked for. */
  text: string;
  confidence: number;
}

export interface MemoryRequests {
  encode: [{ texts: readonly string[] }, readonly SegmentMemory[]];
  embed: [{ question: string }, QueryEmbedding];
  /** Vectors of texts by the sentence encoder, of length 1. Fails for a model without one. */
  sentences: [{ texts: readonly string[] }, readonly Float32Array[]];
  countTokens: [{ texts: readonly string[] }, readonly number[]];
  compose: [ComposeParams, ComposeResult];
}
