import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RowKind } from '../../../src/engine';
import { RowStore } from '../../../src/engine/kv-cache/row-store';

const shape = { layers: 2, kvHeads: 2, headDim: 2, type: 'float32' as const };

/** A block in which every number identifies its row. */
function block(ids: readonly number[]) {
  const keys = Float32Array.from({ length: 8 * ids.length }, (_, i) => ids[Math.floor(i / 2) % ids.length] as number);
  return { keys, values: keys.map((x) => -x), rows: ids.length };
}

it('keeps every row through any sequence of additions and removals', () =>
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.record({ add: fc.integer({ min: 1, max: 90 }) }),
          fc.record({ drop: fc.array(fc.nat(200), { maxLength: 40 }) }),
        ),
        { maxLength: 20 },
      ),
      (steps) => {
        const store = new RowStore(shape);
        const slotOf = new Map<number, number>();
        let next = 1;
        for (const step of steps) {
          if ('add' in step) {
            const ids = Array.from({ length: step.add }, () => next++);
            const slots = store.take(ids.length);
            slots.forEach((slot, i) => {
              store.describe(slot, { kind: RowKind.plain, position: ids[i] as number, group: 0 }, 0, 0);
              slotOf.set(ids[i] as number, slot);
            });
            store.write(
              slots,
              block(ids),
              ids.map((_, i) => i),
            );
          } else {
            const present = [...slotOf.keys()];
            const gone = [
              ...new Set(
                step.drop.map((i) => present[i % Math.max(1, present.length)]).filter((id) => id !== undefined),
              ),
            ];
            store.release(gone.map((id) => slotOf.get(id) as number));
            gone.forEach((id) => slotOf.delete(id));
          }
          expect(store.count).toBe(slotOf.size);
          expect(new Set(slotOf.values()).size).toBe(slotOf.size);
          const ids = [...slotOf.keys()];
          const read = store.read(ids.map((id) => slotOf.get(id) as number));
          expect(read.keys).toEqual(block(ids).keys);
          expect(read.values).toEqual(block(ids).values);
        }
      },
    ),
    { numRuns: 60 },
  ));

it('copies rarely while it grows', () => {
  const store = new RowStore(shape);
  for (let i = 0; i < 20_000; i++) store.take([1].length);
  expect(store.generation).toBeLessThan(150);
  expect(store.capacity).toBeLessThan(20_000 * 1.05);
});
