import { RowKind, Seen, type AttentionPolicy } from './policy';

/**
 * Every row sees all rows before it. `window` (tokens) is for models trained with a sliding window (Mistral): i − j <
 * window.
 */
export function full(window = Infinity): AttentionPolicy {
  return {
    name: 'full',
    causal: window === Infinity,
    ceiling: Infinity,
    kindOf: () => RowKind.plain,
    sees(q, k) {
      if (k.kind === RowKind.free || k.position > q.position) return Seen.hidden;
      return k.kind === RowKind.memory || q.position - k.position < window ? Seen.near : Seen.hidden;
    },
    keeps: (row, next) => row.kind === RowKind.memory || next - row.position < window,
  };
}
