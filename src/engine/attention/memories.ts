import { RowKind, Seen, type AttentionPolicy } from './policy';

/**
 * Memories and raw rows at their true distances, behind the first tokens as sinks (UIO-LLMs, 2406.18173, §3). The
 * option `compress` of a context sets how long the raw part grows before its oldest segment is encoded to memory
 * tokens.
 */
export function memories({ sinks = 0 }: { sinks?: number } = {}): AttentionPolicy {
  return {
    name: 'memories',
    causal: false,
    ceiling: Infinity,
    kindOf: (_token, index) => (index < sinks ? RowKind.sink : RowKind.plain),
    sees: (q, k) => (k.kind === RowKind.free || k.position > q.position ? Seen.hidden : Seen.near),
    keeps: () => true,
  };
}
