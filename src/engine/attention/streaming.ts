import { lambda } from './lambda';
import { RowKind, Seen, type AttentionPolicy } from './policy';

/**
 * StreamingLLM (2309.17453, §3), for comparison: sinks and window as in Λ, but positions count inside the cache. The
 * sinks keep their order at distances just beyond the window, instead of all being at one ceiling.
 */
export function streaming({ sinks, window }: { sinks: number; window: number }): AttentionPolicy {
  // A full cache has sinks + window rows; the query's own row is the last of them.
  const last = sinks + window - 1;
  const base = lambda({ sinks, window });
  return {
    ...base,
    name: 'streaming',
    ceiling: last,
    ceilingKeepsOrder: true,
    sees(q, k) {
      const seen = base.sees(q, k);
      if (seen === Seen.hidden || k.kind === RowKind.plain) return seen;
      return q.position <= last ? Seen.near : Seen.ceiling;
    },
  };
}
