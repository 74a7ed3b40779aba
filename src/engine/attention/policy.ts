/**
 * The contract of attention policies. A policy decides the kind of each new row, the rows that a query sees and their
 * distance, and the rows that no later query can see. It computes nothing. Graphs, cache and the reference
 * implementation obey the same policy, so that they can be compared.
 */

/** The kind of a cached row. Rows of all kinds except `plain` stay until they are dropped by name. */
export const RowKind = {
  free: 0,
  /** One of the first tokens. */
  sink: 1,
  /** A row that was spliced in: part of a stored segment, or a memory token of one. */
  memory: 2,
  /** Represents the tokens since the previous anchor (AnLLM). */
  anchor: 3,
  /** Any other token. */
  plain: 4,
} as const;
export type RowKind = (typeof RowKind)[keyof typeof RowKind];

/** How a query sees a key. */
export const Seen = {
  hidden: 0,
  /** At their true distance. */
  near: 1,
  /** At the ceiling distance (LM-Infinite): the key as at position 0, the query as at position `ceiling`. */
  ceiling: 2,
} as const;
export type Seen = (typeof Seen)[keyof typeof Seen];

/**
 * Bias of a hidden key. It is finite, so that a softmax whose first block is all hidden does not compute ∞ − ∞. It is
 * far below any score, so that the weight of a hidden key is exactly zero.
 */
export const HIDDEN = -1e30;

/** The part of a row that a policy reads: kind, position, and the number of anchors before it (its anchor segment). */
export interface RowPlace {
  kind: RowKind;
  position: number;
  group: number;
}

/**
 * Rows between sinks and window, of which the end of a text sees some (LM-Infinite, §3, middle tokens): each head the
 * best rows for its query, or all heads the same blocks of consecutive rows.
 */
export interface MiddleRows {
  /** Rows chosen for each head; 0 with blocks. */
  k: number;
  /** First layer that selects. */
  fromLayer: number;
  /** Distance of the selected rows, in selection and in attention. */
  distance: number;
  /** Last tokens of a text that see the rows. With `k`, each is read as a run of its own. */
  tail: number;
  /** Most rows kept for the selection; the oldest are dropped first. Infinity keeps all. */
  most: number;
  /** Blocks that are placed before the tail, in the order of the text. */
  blocks?: BlockChoice;
}

export interface BlockChoice {
  /** Rows of a block. */
  rows: number;
  /** Blocks chosen. */
  count: number;
}

export interface AttentionPolicy {
  readonly name: string;
  /** True when every row sees all earlier rows at their distance. No mask is needed then. */
  readonly causal: boolean;
  /** Up to this many tokens it is as if `causal` were true. */
  readonly causalWithin?: number;
  /** Largest distance (tokens) of rows that stay for ever; Infinity for none. */
  readonly ceiling: number;
  /**
   * Keys at the ceiling keep their positions and the query is at position `ceiling` (StreamingLLM), instead of all keys
   * at one distance.
   */
  readonly ceilingKeepsOrder?: boolean;
  readonly middle?: MiddleRows;
  /**
   * The kind of the next token's row.
   * @param index tokens read before it
   * @param sinceAnchor tokens read since the last anchor, or since the start
   */
  kindOf(token: number, index: number, sinceAnchor: number): RowKind;
  /** Whether and how query `q` sees key `k`. Defined for all pairs: later keys are hidden. */
  sees(q: RowPlace, k: RowPlace): Seen;
  /** Whether a token at position `next` or later, in anchor segment `group` or later, can still see the row. */
  keeps(row: RowPlace, next: number, group: number): boolean;
}
