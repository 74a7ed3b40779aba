/**
 * What a policy decides: of what kind a new row is, which rows a query sees and at which distance, and which rows can
 * never be seen again. A policy computes nothing; the graphs, the cache and the reference implementation all obey it,
 * which is how they can be held against each other.
 */

/** What a cached row is. Rows of all kinds but `plain` stay until they are dropped by name. */
export const RowKind = {
  free: 0,
  /** One of the first tokens. */
  sink: 1,
  /** A row that was spliced in: part of a stored segment, or a slot that stands for one. */
  memory: 2,
  /** Stands for the tokens since the previous anchor (AnLLM). */
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
  /** At the ceiling distance (LM-Infinite): the key as if at position 0, the query as if at position `ceiling`. */
  ceiling: 2,
} as const;
export type Seen = (typeof Seen)[keyof typeof Seen];

/**
 * What hides a key. Finite, so that a softmax whose first block of keys is wholly hidden does not compute ∞ − ∞; far
 * below any score, so that a hidden key's weight is exactly zero.
 */
export const HIDDEN = -1e30;

/** What a policy knows of a row: its position, and the number of anchors read before it (its anchor segment). */
export interface RowPlace {
  kind: RowKind;
  position: number;
  group: number;
}

/** Rows between sinks and window of which the last query of a run sees a few (LM-Infinite's optional middle tokens). */
export interface MiddleRows {
  /** Rows chosen for each head. */
  k: number;
  /** First layer that chooses. */
  fromLayer: number;
  /** Distance they are chosen and seen at. */
  distance: number;
}

export interface AttentionPolicy {
  readonly name: string;
  /** True when every row sees all earlier rows at their distance: no mask is needed then. */
  readonly causal: boolean;
  /** Rows that stay for ever are seen at this distance (tokens) at most; Infinity for none. */
  readonly ceiling: number;
  /**
   * Keys seen at the ceiling keep their positions and the query stands at position `ceiling` (StreamingLLM), instead of
   * all being at one distance.
   */
  readonly ceilingKeepsOrder?: boolean;
  readonly middle?: MiddleRows;
  /**
   * The kind of the next token's row.
   * @param index tokens read before it
   * @param sinceAnchor tokens read since the last anchor, or since the start
   */
  kindOf(token: number, index: number, sinceAnchor: number): RowKind;
  /** Whether and how query `q` sees key `k`. Total over all pairs: later keys are hidden. */
  sees(q: RowPlace, k: RowPlace): Seen;
  /** Whether a token at position `next` or later, in anchor segment `group` or later, can still see the row. */
  keeps(row: RowPlace, next: number, group: number): boolean;
}
