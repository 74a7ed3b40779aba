import { RowKind, Seen, type AttentionPolicy, type BlockChoice, type MiddleRows } from './policy';

export interface LambdaOptions {
  /** First tokens that every query sees (n_starting; the paper finds 5 to 100 equivalent). */
  sinks: number;
  /** Last tokens that a query sees, itself included (L_pretrain, or less). */
  window: number;
  /** Largest distance (tokens) of any logit; default: the window. Infinity switches the ceiling off. */
  ceiling?: number;
  /**
   * Lets the end of a text also see a few rows between the sinks and the window, and keeps up to `most` rows for that.
   * Off by default.
   */
  middle?: MiddleChoice;
}

/** The best `k` rows for each head, as in the paper, or blocks of rows for all heads. */
export type MiddleChoice = ({ k: number; fromLayer: number } | { blocks: BlockChoice }) & {
  tail?: number;
  most?: number;
};

/**
 * Λ-shaped attention with a distance ceiling (LM-Infinite, 2308.16137, §3): query i sees key j if j ≤ i and (j < sinks
 * or i − j < window), at the distance min(i − j, ceiling). Memory and cost are constant in the length of the text. Rows
 * that other policies keep (memories, anchors) are treated as sinks.
 */
export function lambda({ sinks, window, ceiling = window, middle }: LambdaOptions): AttentionPolicy {
  if (!(sinks >= 0) || !(window >= 1) || !(ceiling >= window)) {
    throw new RangeError(
      `sinks ${sinks}, window ${window}, ceiling ${ceiling}: need sinks ≥ 0 and ceiling ≥ window ≥ 1`,
    );
  }
  if (middle && !(ceiling < Infinity))
    throw new RangeError('middle rows need a ceiling: without one nothing is out of reach');
  const policy: AttentionPolicy = {
    name: 'lambda',
    causal: false,
    causalWithin: window,
    ceiling,
    kindOf: (_token, index) => (index < sinks ? RowKind.sink : RowKind.plain),
    sees(q, k) {
      const distance = q.position - k.position;
      if (k.kind === RowKind.free || distance < 0) return Seen.hidden;
      if (k.kind === RowKind.plain) return distance < window ? Seen.near : Seen.hidden;
      return distance < ceiling ? Seen.near : Seen.ceiling;
    },
    keeps: (row, next) => row.kind !== RowKind.plain || next - row.position < window,
  };
  if (!middle) return policy;
  // Distance d = L/2 for the optional middle tokens (LM-Infinite, §3).
  const rows: MiddleRows = {
    k: 0,
    fromLayer: 0,
    tail: 1,
    most: Infinity,
    ...middle,
    distance: Math.floor(window / 2),
  };
  return { ...policy, name: 'lambda with middle rows', middle: rows };
}
