/**
 * Compressed rows, vectors and composed contexts as they travel between worker and inference process. Rows travel as
 * bytes (memory/rows.ts).
 */
/** Tokens that a model compresses at once, and tokens that one coarse or fine row stands for. */
export interface MemoryRatios {
  segmentTokens: number;
  coarseTokens: number;
  fineTokens: number;
}

/** Tokens that a model compresses to dense rows at once, and tokens that one dense row stands for. */
export interface DenseRatio {
  segmentTokens: number;
  rowTokens: number;
}

/** Compressed rows of one text as the model made them. Rows are f16 bytes (memory/rows.ts). */
export interface SegmentMemory {
  tokens: number;
  coarseRows: number;
  /** Fine rows that are not coarse rows as well. */
  restRows: number;
  bytesPerRow: number;
  vector: Uint8Array;
  /** Token ids of the text, two bytes each; empty when the model has no vectors of tokens. */
  ids: Uint8Array;
  coarse: Uint8Array;
  rest: Uint8Array;
}

/** A question's tokens with their nearest vocabulary neighbours, for late interaction with the tokens of segments. */
export interface TokenNeighbours {
  /**
   * [n]: length of each token's vector relative to the vocabulary's mean, which is its learned weight; 0 for a token
   * that came before.
   */
  weights: Float32Array;
  /** [n]: the same, also for tokens that came before. Runs of tokens are weighed with it. */
  lengths: Float32Array;
  /** [n + 1]: where each token's own part of `ids` and `similarities` begins. */
  starts: Int32Array;
  /** Vocabulary ids and their cosine with the question's token, in (0, 1]. */
  ids: Uint32Array;
  similarities: Float32Array;
}

/** What a loaded model with memory slots says of itself. */
export interface MemoryDescription {
  /** Of weights, slots and heads. */
  fingerprint: string;
  ratios: MemoryRatios;
  /** Of rows that are made when a question asks for them, where the model has slots for them. */
  dense?: DenseRatio;
  /** Bytes of a stored row (f16). */
  storedRowBytes: number;
  vectorWidth: number;
  vocabSize: number;
  sinkRows: number;
  /** Positions that the model was trained on: every row of a composed context stands within them. */
  windowTokens: number;
}

/** A question in the spaces in which segments are compared with it. */
export interface QueryEmbedding {
  /** [vectorWidth], of length 1. */
  vector: Float32Array;
  /**
   * Of length 1: its mean queries as they are held against segments' mean keys, where the model learnt to choose by
   * them.
   */
  selection?: Float32Array;
  tokens: number;
  /** Its tokens as those of segments are held against them, where the model has vectors of tokens. */
  late?: TokenNeighbours;
}

/**
 * A segment that is to stand in the context in dense rows, kept under its key for a while: by the ids that the store
 * keeps of its tokens, or by its text. `before`: of a stretch the ids that stand before it in its segment, which tell
 * its lines.
 */
export type DenseSegment = { key: string } & ({ ids: Uint16Array; before?: Uint16Array } | { text: string });

/** A segment that is to stand in the context with all its rows. */
export interface FullSegment {
  /** Content key; rows read once are kept under it for a while. */
  key: string;
  text: string;
}

export interface ComposeParams {
  /** Rows that stand for the whole workspace; sent once under `id`, later named only. */
  coarse: { id: string; rows?: Uint8Array; tokens: number };
  fine: { rows: Uint8Array; tokens: number };
  /** The least important first: the last stands next to what is read in full. */
  dense?: readonly DenseSegment[];
  /** The least important first: the last stands next to the question. */
  full: readonly FullSegment[];
  question: string;
  /** True: the question stands as a user's turn and the answer is to follow; false (default): as it is written. */
  turn?: boolean;
  /** Given by the client: `compose/read` and `write/text` come under it. */
  id?: number;
  /** Most rows of the context. */
  capacityRows: number;
  maxNewTokens: number;
  /** Text whose likelihood after the question is wanted. */
  follow?: string;
}

/**
 * Rows of a segment that were made for this question, or remembered from one before; `left` when there was no room for
 * it.
 */
export interface OpenedRows {
  key: string;
  rows: number;
  /** Stood for. */
  tokens: number;
  origin: 'computed' | 'memory' | 'left';
  /** Of a stretch its first and last line, counted from its segment's first, which is 0. */
  lines?: readonly [first: number, last: number];
}

export interface ComposedRows {
  sinks: number;
  coarse: number;
  fine: number;
  /** In the order asked for. */
  dense: readonly OpenedRows[];
  full: readonly OpenedRows[];
  /** Rows of the question that stand for themselves; of a long one the oldest were compressed while it was read. */
  question: number;
  compressed: { rows: number; tokens: number };
  answer: number;
}

/** What a context holds once it is read, before anything is written. */
export interface ComposeReading {
  /** False when the coarse rows named by `id` are not here (any more): send them. */
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
  /** Of the text: geometric mean of its tokens' probabilities, 0…1. */
  confidence: number;
  follow?: { nll: number; tokens: number };
}

export interface MemoryRequests {
  encode: [{ texts: readonly string[] }, readonly SegmentMemory[]];
  vectors: [{ questions: readonly string[] }, readonly QueryEmbedding[]];
  countTokens: [{ texts: readonly string[] }, readonly number[]];
  compose: [ComposeParams, ComposeResult];
}
