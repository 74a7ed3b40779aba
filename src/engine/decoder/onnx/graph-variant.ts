import type { MemoryTokenSet } from '../memory-weights';

/**
 * causal: new rows see all cached rows, and each other causally. masked: a bias hides some. dual: a second kind of
 * cached rows is seen at the ceiling distance. batched: several sequences, with a bias; only their keys and values are
 * wanted, so the graph ends at those of the last layer.
 */
export interface GraphVariant {
  phase: 'prefill' | 'decode';
  visibility: 'causal' | 'masked' | 'dual' | 'batched';
  /**
   * Prefill only: also outputs logits. The output matrix is a fifth of a small model; a graph without logits keeps no
   * copy of it.
   */
  logits?: boolean;
  /**
   * The new rows are memory tokens of this set: own projections, and keys and values from the transfer head. Input
   * `embeds` for `tokens`.
   */
  slots?: MemoryTokenSet;
  /** Batched prefill only: also outputs the new rows' queries, not rotated: `queries` [B, L, H, S, D]. */
  queries?: boolean;
  /** Decode only: layers from `fromLayer` on also see the `k` best middle rows in each head. */
  middle?: { k: number; fromLayer: number };
}

/** Name of an input for layers with a window of so many tokens, which is without a window `name`. */
export const windowInput = (
  name: 'bias' | 'last' | 'total' | 'parts' | 'near' | 'seen',
  window: number | undefined,
): string => (window === undefined ? name : `${name}_${window}`);

/** Name of the input with the rotations of a kind of layers. */
export const rotationInput = (name: 'cos' | 'sin', kind: number): string => (kind === 0 ? name : `${name}_${kind}`);
