import { RowKind, Seen, type AttentionPolicy } from './policy';

/**
 * UIO-LLMs (2406.18173, §3): the first tokens stay as sinks; memories and raw rows are all seen at their distances. How
 * long the raw part grows before its oldest segment is encoded to slots is said where the context is opened
 * (`compress`).
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
