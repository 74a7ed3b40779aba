/** Sorting in slices gives what one sort gives, and lets the event loop turn. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Pace, sortPaced } from '../../../src/workspace/lexical/pace';

const byNumber = (a: number, b: number): number => a - b;

it('sorts any numbers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: -50, max: 5_000 }), { maxLength: 3_000 }), async (numbers) => {
      const sorted = await sortPaced(Int32Array.from(numbers), byNumber, new Pace());
      expect([...sorted]).toEqual([...numbers].sort(byNumber));
    }),
    { numRuns: 60 },
  );
});

it('rests between slices, and stops when it is cancelled', async () => {
  const numbers = Int32Array.from({ length: 200_000 }, (_, i) => (i * 7_919) % 200_003);
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  await sortPaced(numbers.slice(), byNumber, new Pace());
  clearImmediate(next);
  expect(turns).toBeGreaterThan(1);
  await expect(sortPaced(numbers.slice(), byNumber, new Pace(AbortSignal.abort()))).rejects.toThrow(/abort/i);
});
