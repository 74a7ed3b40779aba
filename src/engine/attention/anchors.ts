import { RowKind, Seen, type AttentionPolicy } from './policy';

export interface AnchorOptions {
  /** First tokens that everything sees. */
  sinks?: number;
  /** Whether a token ends a segment and represents it from then on. `sinceAnchor`: tokens since the last anchor. */
  isAnchor: (token: number, sinceAnchor: number) => boolean;
  /**
   * Whether a segment closes behind its anchor, as in AnSAN (AnLLM, 2402.07616, §3), for models trained so. Otherwise
   * anchors only stay when another policy drops the rest. Separators are such anchors for models trained without any
   * (SepLLM, 2412.12094).
   */
  closing?: boolean;
  /**
   * Last tokens that are seen whether their segment is closed or not: models are trained to read anchors beside a
   * window. Default 0: none.
   */
  window?: number;
}

/** Anchors are tokens of a kind: "." or a token of their own (AnLLM, §3: EP and AC). */
export function tokenAnchors(tokens: readonly number[]): AnchorOptions['isAnchor'] {
  const set = new Set(tokens);
  return (token) => set.has(token);
}

/** Every n-th token is an anchor. The first one behind the sinks comes at once if the sinks used up its n. */
export function intervalAnchors(n: number): AnchorOptions['isAnchor'] {
  return (_token, sinceAnchor) => sinceAnchor >= n - 1;
}

/**
 * Anchor-based self-attention (AnLLM, 2402.07616, §3) with anchors a_1 < a_2 < … and segments (a_{i−1}, a_i]:
 *
 * - (a) after a_i, the tokens of its segment are hidden, except a_i itself;
 * - (b) an anchor sees its own segment and no earlier anchor;
 * - (c) other tokens see their segment so far and all earlier anchors.
 *
 * Positions stay true, so that reading with only anchors in the cache equals one forward pass under this mask.
 */
export function anchors({ sinks = 0, isAnchor, closing = true, window = 0 }: AnchorOptions): AttentionPolicy {
  return {
    name: closing ? 'anchors' : 'separators',
    causal: false,
    ceiling: Infinity,
    kindOf(token, index, sinceAnchor) {
      if (index < sinks) return RowKind.sink;
      return isAnchor(token, sinceAnchor) ? RowKind.anchor : RowKind.plain;
    },
    sees(q, k) {
      if (k.kind === RowKind.free || k.position > q.position) return Seen.hidden;
      if (k.kind === RowKind.sink || !closing || q.position - k.position < window) return Seen.near;
      if (k.kind === RowKind.plain) return k.group === q.group ? Seen.near : Seen.hidden;
      // Anchors of earlier segments, and memories, which represent segments in the same way.
      const own = k.kind === RowKind.anchor && k.group === q.group;
      return own || q.kind !== RowKind.anchor ? Seen.near : Seen.hidden;
    },
    keeps: (row, next, group) =>
      row.kind !== RowKind.plain || !closing || row.group === group || next - row.position < window,
  };
}
