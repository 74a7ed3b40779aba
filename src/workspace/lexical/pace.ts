import { setImmediate as nextTurn } from 'node:timers/promises';

/** Milliseconds of work between two turns of the event loop. */
const SLICE_MS = 8;
/** Items that are sorted at once. */
const RUN = 512;

/** Lets the event loop turn during long work, so that searches and heartbeats go on. */
export class Pace {
  private since = performance.now();

  constructor(private readonly signal?: AbortSignal) {}

  /** True when the time slice is used up. */
  get due(): boolean {
    return performance.now() - this.since > SLICE_MS;
  }

  /** @throws the signal's reason */
  async rest(): Promise<void> {
    await nextTurn();
    this.signal?.throwIfAborted();
    this.since = performance.now();
  }
}

/** Sorts numbers by `compare` in runs that are merged, with rests between. */
export async function sortPaced(
  items: Int32Array,
  compare: (a: number, b: number) => number,
  pace: Pace,
): Promise<Int32Array> {
  let from = items;
  for (let start = 0; start < from.length; start += RUN) {
    from.subarray(start, start + RUN).sort(compare);
    if (pace.due) await pace.rest();
  }
  let to: Int32Array = new Int32Array(from.length);
  for (let width = RUN; width < from.length; width *= 2) {
    for (let start = 0; start < from.length; start += 2 * width) {
      const middle = Math.min(start + width, from.length);
      const end = Math.min(start + 2 * width, from.length);
      for (let a = start, b = middle, at = start; at < end; at++) {
        const takesFirst = a < middle && (b >= end || compare(from[a] as number, from[b] as number) <= 0);
        to[at] = from[takesFirst ? a++ : b++] as number;
        if ((at & (RUN - 1)) === 0 && pace.due) await pace.rest();
      }
    }
    [from, to] = [to, from];
  }
  return from;
}
