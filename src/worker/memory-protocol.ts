/** Messages about memories between the worker and the engine's process (engine-protocol.ts). Rows travel as bytes (library/memories/rows.ts). */
import type { SegmentMemory } from '../library/memories/encoding';
import type { MemoryRatios } from '../library/memories/rows';

/** What a loaded model with memory slots says of itself. */
export interface MemoryDescription {
  /** Of weights, slots and heads. */
  fingerprint: string;
  ratios: MemoryRatios;
  /** Bytes of a stored row (f16). */
  storedRowBytes: number;
  vectorWidth: number;
  sinkRows: number;
  /** Positions that the model was trained on: every row of a composed context stands within them. */
  windowTokens: number;
}

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
  /** The least important first: the last stands next to the question. */
  full: readonly FullSegment[];
  question: string;
  /** Most rows of the context. */
  capacityRows: number;
  maxNewTokens: number;
  /** Text whose likelihood after the question is wanted. */
  follow?: string;
}

export interface ComposedRows {
  sinks: number;
  coarse: number;
  fine: number;
  /** In the order asked for; `left` when there was no room for the segment. */
  full: readonly { key: string; rows: number; origin: 'computed' | 'memory' | 'left' }[];
  question: number;
  answer: number;
}

export interface ComposeResult {
  /** False when the coarse rows named by `id` are not here (any more): send them. */
  held: boolean;
  rows: ComposedRows;
  bytesPerRow: number;
  /** Positions used, of `windowTokens`. */
  positions: number;
  text: string;
  timing: { splice: number; read: number; decode: number; firstToken: number };
  cache: { hits: number; misses: number; evictions: number };
  follow?: { nll: number; tokens: number };
}

export interface MemoryRequests {
  encode: [{ texts: readonly string[] }, readonly SegmentMemory[]];
  /** Vectors of questions, [width] each, of length 1, and the tokens of each. */
  vectors: [{ questions: readonly string[] }, readonly { vector: Float32Array; tokens: number }[]];
  countTokens: [{ texts: readonly string[] }, readonly number[]];
  compose: [ComposeParams, ComposeResult];
}
