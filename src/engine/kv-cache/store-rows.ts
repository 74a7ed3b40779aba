import type { RopeFrequencies } from '../rope/frequencies';
import { liftKeys, moveKeys, placeKeys } from './rotation';
import type { RowStore } from './row-store';

/** Rotates the keys of slots, which are at `positions`, with other frequencies. */
export function rerotate(
  store: RowStore,
  slots: readonly number[],
  positions: readonly number[],
  from: RopeFrequencies,
  to: RopeFrequencies,
): void {
  if (slots.length === 0) return;
  const block = store.read(slots);
  liftKeys(block, store.shape, from, positions);
  placeKeys(block, store.shape, to, positions);
  writeBack(store, slots, block);
}

/** Moves the keys of slots by so many positions each. The positions that the store records stay. */
export function moveSlots(
  store: RowStore,
  slots: readonly number[],
  steps: readonly number[],
  rope: RopeFrequencies,
): void {
  const block = store.read(slots);
  moveKeys(block, store.shape, rope, steps);
  writeBack(store, slots, block);
}

function writeBack(store: RowStore, slots: readonly number[], block: ReturnType<RowStore['read']>): void {
  store.write(
    slots,
    block,
    slots.map((_, i) => i),
  );
}

/**
 * Copies rows to the far store.
 *
 * @param rope takes the rotation out of the keys; undefined where they keep their positions
 */
export function copyFar(
  near: RowStore,
  far: RowStore,
  slots: readonly number[],
  rope: RopeFrequencies | undefined,
): void {
  if (slots.length === 0) return;
  const block = near.read(slots);
  if (rope)
    moveKeys(
      block,
      near.shape,
      rope,
      slots.map((slot) => -(near.positions[slot] as number)),
    );
  const targets = far.take(slots.length);
  targets.forEach((target, i) => {
    const slot = slots[i] as number;
    far.describe(target, near.place(slot), near.tokens[slot] as number, near.entries[slot] as number);
  });
  writeBack(far, targets, block);
}

/** Near slots whose row is also in `far`: same entry, same position. */
export function crossingSlots(near: RowStore, far: RowStore): Set<number> {
  const key = (store: RowStore, slot: number) => `${store.entries[slot]}:${store.positions[slot]}`;
  const keys = new Set([...far.used()].map((slot) => key(far, slot)));
  return new Set([...near.used()].filter((slot) => keys.has(key(near, slot))));
}

/** Slots in the order of their positions. */
export function byPosition(store: RowStore, slots: readonly number[]): number[] {
  return [...slots].sort((a, b) => (store.positions[a] as number) - (store.positions[b] as number));
}
