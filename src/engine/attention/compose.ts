import { RowKind, Seen, type AttentionPolicy } from './policy';

/**
 * Combines policies. A key is seen only where all policies allow it, and at the ceiling if one of them says so. A row
 * is kept as long as all policies keep it. `compose(lambda(…), anchors(…))` has sinks, memories, anchors and a window.
 */
export function compose(...policies: readonly AttentionPolicy[]): AttentionPolicy {
  const [firstPolicy] = policies;
  if (!firstPolicy) throw new RangeError('nothing to compose');
  const capped = policies.filter((policy) => policy.ceiling !== Infinity);
  if (capped.length > 1) throw new RangeError('only one of the policies can have a ceiling');
  const { causalWithin: _, ...source } = capped[0] ?? firstPolicy;
  return {
    ...source,
    name: policies.map((policy) => policy.name).join(' + '),
    causal: policies.every((policy) => policy.causal),
    kindOf(token, index, sinceAnchor) {
      // Sinks come before anchors, anchors before plain rows: the order of the codes.
      return policies.reduce<RowKind>((kind, policy) => {
        const other = policy.kindOf(token, index, sinceAnchor);
        return other < kind ? other : kind;
      }, RowKind.plain);
    },
    sees(q, k) {
      let seen: Seen = Seen.near;
      for (const policy of policies) {
        const one = policy.sees(q, k);
        if (one === Seen.hidden) return Seen.hidden;
        if (one === Seen.ceiling) seen = Seen.ceiling;
      }
      return seen;
    },
    keeps: (row, next, group) => policies.every((policy) => policy.keeps(row, next, group)),
  };
}
