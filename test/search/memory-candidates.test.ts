import { expect, it } from 'vitest';
import type { MemorySegment } from '../../src/memory';
import { highest, segmentsAt } from '../../src/search/memory-candidates';

const segment = (path: string, startLine: number): MemorySegment =>
  ({ key: `${path}:${startLine}`, path, startLine, endLine: startLine + 9 }) as MemorySegment;

it('finds the segments at some places, in order', () => {
  const segments = [segment('a', 1), segment('a', 11), segment('a', 21), segment('b', 1), segment('c', 1)];
  const places = [
    { path: 'c', startLine: 5, endLine: 5 },
    { path: 'a', startLine: 20, endLine: 21 },
    { path: 'a', startLine: 30, endLine: 90 },
    { path: 'b', startLine: 11, endLine: 12 },
  ];
  expect(segmentsAt(segments, places)).toEqual([1, 2, 4]);
});

it('gives the places of the highest values, best first, and of equal ones the first', () => {
  const values = [0.2, NaN, 0.9, undefined, 0.2, 0.5];
  expect(highest(values.length, (i) => values[i], 3)).toEqual([2, 5, 0]);
  expect(highest(values.length, (i) => values[i], 9)).toEqual([2, 5, 0, 4]);
});
