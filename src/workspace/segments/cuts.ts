import { MAX_SEGMENT_CHARACTERS, MAX_SEGMENT_LINES } from './limits';
import type { LineTable } from '../../base';

/**
 * The cost of beginning a segment at each line, and of not beginning one. Every way of segmenting fills one of these;
 * `pack` then finds the cheapest set of cuts. The cost of one more segment is 1.
 */
export class Cuts {
  /** Cost of beginning a segment at line i. */
  readonly cut: Float32Array;
  /** Cost of line i being inside a segment that begins before it. */
  readonly join: Float32Array;

  constructor(count: number, cost: number) {
    this.cut = new Float32Array(count).fill(cost);
    this.join = new Float32Array(count);
  }
}

export interface LineRange {
  /** 0-based, [first, end). */
  first: number;
  end: number;
}

export function fits(lines: LineTable, first: number, end: number): boolean {
  return end - first <= MAX_SEGMENT_LINES && lines.length(first, end) <= MAX_SEGMENT_CHARACTERS;
}

/** Weight of a segment's squared fullness. Among equally good cuts, even segments are cheapest. */
const FULLNESS = 0.5;

/**
 * Finds the cheapest way to cut the lines into segments that fit, by dynamic programming over lines: O(lines × longest
 * segment). A line too long for any segment is a segment of its own.
 */
export function pack(lines: LineTable, cuts: Cuts): LineRange[] {
  const count = lines.count;
  const best = new Float64Array(count + 1).fill(Infinity);
  const from = new Int32Array(count + 1);
  best[0] = 0;
  for (let first = 0; first < count; first++) {
    const base = (best[first] ?? 0) + 1 + (first === 0 ? 0 : (cuts.cut[first] ?? 0));
    let joined = 0;
    for (let end = first + 1; end <= count; end++) {
      if (end > first + 1) {
        if (!fits(lines, first, end)) break;
        joined += cuts.join[end - 1] ?? 0;
      }
      const fullness = Math.min(
        1,
        Math.max((end - first) / MAX_SEGMENT_LINES, lines.length(first, end) / MAX_SEGMENT_CHARACTERS),
      );
      const cost = base + joined + FULLNESS * fullness * fullness;
      if (cost < (best[end] ?? Infinity)) {
        best[end] = cost;
        from[end] = first;
      }
    }
  }
  const ranges: LineRange[] = [];
  for (let end = count; end > 0;) {
    const first = from[end] ?? 0;
    ranges.push({ first, end });
    end = first;
  }
  return ranges.reverse();
}
