import { RowKind, Seen, type AttentionPolicy } from './policy';

/**
 * Narrows a policy for layers with a sliding window of their own: of the rows that it lets a query see, they see those
 * whose distance is below the window. A row at the ceiling counts with the ceiling's distance. Spliced rows count like
 * others: such layers never saw a row farther away.
 */
export function withinWindow(policy: AttentionPolicy, window: number): AttentionPolicy {
  return {
    ...policy,
    causal: false,
    sees(q, k) {
      if (k.kind === RowKind.free) return Seen.hidden;
      const seen = policy.sees(q, k);
      if (seen === Seen.hidden) return seen;
      const query = seen === Seen.ceiling ? policy.ceiling : q.position;
      const key = seen === Seen.ceiling && !policy.ceilingKeepsOrder ? 0 : k.position;
      return query - key < window ? seen : Seen.hidden;
    },
  };
}
