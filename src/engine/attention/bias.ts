import { HIDDEN, Seen, type AttentionPolicy, type RowKind, type RowPlace } from './policy';

/** Slots with the places of their rows; those from `end` on are empty. */
export interface PlacedSlots {
  readonly capacity: number;
  readonly end: number;
  readonly kinds: ArrayLike<number>;
  readonly positions: ArrayLike<number>;
  readonly groups: ArrayLike<number>;
}

/**
 * The additive bias [queries, F + P + S] over far slots, near slots and the new rows. It is 0 where the policy lets the
 * query see the key in that part, and HIDDEN elsewhere. A row that is both near and far is seen in exactly one of them.
 */
export function attentionBias(
  policy: AttentionPolicy,
  rows: readonly RowPlace[],
  near: PlacedSlots,
  far: PlacedSlots | undefined,
): Float32Array {
  const farSlots = far?.capacity ?? 0;
  const width = farSlots + near.capacity + rows.length;
  const bias = new Float32Array(rows.length * width).fill(HIDDEN);
  rows.forEach((query, i) => {
    const row = bias.subarray(i * width, (i + 1) * width);
    if (far) openSlots(policy, query, far, row, 0, Seen.ceiling);
    openSlots(policy, query, near, row, farSlots, Seen.near);
    for (let j = 0; j <= i; j++) {
      if (policy.sees(query, rows[j] as RowPlace) !== Seen.hidden) row[farSlots + near.capacity + j] = 0;
    }
  });
  return bias;
}

function openSlots(
  policy: AttentionPolicy,
  query: RowPlace,
  store: PlacedSlots,
  row: Float32Array,
  offset: number,
  as: Seen,
): void {
  // One object serves all slots: this code runs millions of times for a long prompt.
  const key: RowPlace = { kind: 0, position: 0, group: 0 };
  for (let slot = 0; slot < store.end; slot++) {
    key.kind = store.kinds[slot] as RowKind;
    if (key.kind === 0) continue;
    key.position = store.positions[slot] as number;
    key.group = store.groups[slot] as number;
    if (policy.sees(query, key) === as) row[offset + slot] = 0;
  }
}
