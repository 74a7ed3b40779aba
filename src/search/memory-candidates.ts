/** The segments of a large workspace that may rank high for one question. The others need no value. */
import type { MemorySegment } from '../memory';

interface Place {
  path: string;
  startLine: number;
  endLine: number;
}

/** Indices of segments that overlap one of the places, in order. The list has the segments of each file together. */
export function segmentsAt(segments: readonly MemorySegment[], places: Iterable<Place>): number[] {
  const byPath = new Map<string, Place[]>();
  for (const place of places) {
    const own = byPath.get(place.path);
    if (own) own.push(place);
    else byPath.set(place.path, [place]);
  }
  const found: number[] = [];
  let path: string | undefined;
  let own: Place[] | undefined;
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i] as MemorySegment;
    // One look-up for a file, because a list has hundred thousands of segments.
    if (segment.path !== path) own = byPath.get((path = segment.path));
    if (own?.some(({ startLine, endLine }) => startLine <= segment.endLine && segment.startLine <= endLine))
      found.push(i);
  }
  return found;
}

/** Indices of the `count` highest values, best first; `undefined` and NaN are none. Sorting all takes too long. */
export function highest(length: number, valueAt: (index: number) => number | undefined, count: number): number[] {
  const best: { index: number; value: number }[] = [];
  let least = -Infinity;
  for (let index = 0; index < length; index++) {
    const value = valueAt(index);
    if (value === undefined || Number.isNaN(value) || (best.length >= count && value <= least)) continue;
    let at = best.length;
    while (at > 0 && (best[at - 1] as { value: number }).value < value) at--;
    best.splice(at, 0, { index, value });
    if (best.length > count) best.pop();
    least = best.at(-1)?.value ?? -Infinity;
  }
  return best.map(({ index }) => index);
}
