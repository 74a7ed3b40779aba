import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeHalf, encodeHalf } from '../../../src/engine/kv-cache/float16';

it('every half converts to a single and back without loss', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const back = encodeHalf(decodeHalf(all));
  all.forEach((half, i) => {
    const isNaN = (half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0;
    if (isNaN) expect((back[i] as number) & 0x7c00).toBe(0x7c00);
    else expect(back[i]).toBe(half);
  });
});

it('singles round to the nearest half, ties to even', () => {
  const halves = decodeHalf(Uint16Array.from({ length: 0x7c01 }, (_, i) => i));
  fc.assert(
    fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), (x) => {
      const [got] = decodeHalf(encodeHalf(Float32Array.of(x)));
      const magnitude = Math.abs(x);
      // Halves increase with their bits, so a binary search finds the neighbours.
      let low = 0;
      let high = 0x7c00;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if ((halves[middle] as number) <= magnitude) low = middle;
        else high = middle;
      }
      const [below, above] = [halves[low] as number, halves[high] as number];
      const best =
        magnitude - below < above - magnitude || (magnitude - below === above - magnitude && low % 2 === 0)
          ? below
          : above;
      expect(Math.abs(got as number)).toBe(best);
      if (x !== 0) expect(Math.sign(got as number) === Math.sign(x) || got === 0).toBe(true);
    }),
    { numRuns: 2000 },
  );
  expect([...decodeHalf(encodeHalf(Float32Array.of(65520, -1e9, Infinity, NaN, -0)))]).toEqual([
    Infinity,
    -Infinity,
    Infinity,
    NaN,
    -0,
  ]);
});
