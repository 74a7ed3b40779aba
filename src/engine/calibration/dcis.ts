import { AppError } from '../../base';

/**
 * Divide-and-conquer incremental search for rotary scaling factors (DCIS, 2412.18811). Factors of
 * neighbouring frequencies move together: first in segments of half the dimensions, then in ever smaller ones. The
 * search goes from the lowest frequencies to the highest. Nothing forces the factors to grow from fast to slow.
 */

export interface DcisOptions {
  /** Factors to start from, fastest frequency first (the paper starts from YaRN's). */
  initial: Float64Array;
  /** The objective: perplexity under these factors. Called one at a time. */
  objective: (factors: Float64Array) => Promise<number>;
  /** Half the width of the first range of increments; the paper uses 5 whatever the extension. */
  range?: number;
  /** Increments tried for each segment; the paper uses 10. */
  increments?: number;
  /** Candidates at or above this perplexity are no guide. */
  ceiling?: number;
  /**
   * Lets the current factors compete with the increments, at no cost, because their objective is known. The paper's ten
   * even increments leave 0 out, so that a segment always moves, even for the worse. With few frequency pairs later
   * levels cannot repair that. Default false: the paper.
   */
  mayStay?: boolean;
  /** State of an interrupted search, to resume from. */
  state?: DcisState;
  /** Called after each evaluation with what to store for resuming, and how far the search is. */
  onStep?: (state: DcisState, progress: DcisProgress) => void | Promise<void>;
  signal?: AbortSignal;
}

export interface DcisProgress {
  evaluations: number;
  /** Evaluations of the whole search. */
  total: number;
  /** Lowest objective so far. */
  best: number;
}

interface Segment {
  /** Dimensions [from, to). */
  from: number;
  to: number;
  /** Increments to try, relative to the factors as they are. */
  low: number;
  high: number;
}

/** Everything a search has done; plain JSON. */
export interface DcisState {
  factors: number[];
  /** Their objective. */
  current: number;
  /** Segments of this level that are still to be searched, the first one now. */
  queue: Segment[];
  /** Their children: the next level. */
  next: Segment[];
  /** Objectives of the increments tried so far in the current segment; null for one that is not a number. */
  tried: (number | null)[];
  evaluations: number;
  initialObjective?: number;
  best: { factors: number[]; objective: number; after: number };
}

export interface DcisResult {
  /** The best factors that were evaluated. */
  factors: Float64Array;
  objective: number;
  /** Objective of the initial factors. */
  initialObjective: number;
  evaluations: number;
  /** Evaluations after which the best factors were found. */
  bestAfter: number;
  /** Factors where the search itself ended; the paper's result. */
  last: Float64Array;
}

const RANGE = 5;
const INCREMENTS = 10;
const CEILING = 100;
const SMALLEST_FACTOR = 1e-4;
/** Best increments that span the range handed to the children. */
const TOP = 3;

export class SearchCancelledError extends AppError<'cancelled'> {
  override readonly name = 'SearchCancelledError';

  constructor() {
    super('cancelled', 'The search was cancelled; its state can be resumed.');
  }
}

/** Runs or resumes the search. @throws SearchCancelledError; what `objective` throws */
export async function searchFactors(options: DcisOptions): Promise<DcisResult> {
  const increments = options.increments ?? INCREMENTS;
  const total = 1 + increments * segmentsBelow(options.initial.length);
  const evaluate = async (factors: readonly number[]): Promise<number> => {
    if (options.signal?.aborted) throw new SearchCancelledError();
    const objective = await options.objective(Float64Array.from(factors));
    state.evaluations++;
    if (objective < state.best.objective) state.best = { factors: [...factors], objective, after: state.evaluations };
    return objective;
  };
  const step = async () =>
    options.onStep?.(structuredClone(state), { evaluations: state.evaluations, total, best: state.best.objective });

  const state = options.state ? structuredClone(options.state) : start(options.initial, options.range ?? RANGE);
  if (state.evaluations === 0) {
    state.current = await evaluate(state.factors);
    state.initialObjective = state.best.objective;
    await step();
  }
  while (state.queue.length > 0) {
    const segment = state.queue[0] as Segment;
    while (state.tried.length < increments) {
      const objective = await evaluate(
        moved(state.factors, segment, increment(segment, state.tried.length, increments)),
      );
      state.tried.push(Number.isFinite(objective) ? objective : null);
      await step();
    }
    settle(state, segment, increments, options.ceiling ?? CEILING, options.mayStay ?? false);
    await step();
  }
  return {
    factors: Float64Array.from(state.best.factors),
    objective: state.best.objective,
    initialObjective: state.initialObjective ?? NaN,
    evaluations: state.evaluations,
    bestAfter: state.best.after,
    last: Float64Array.from(state.factors),
  };
}

/** Applies the best increment, narrows the range around it, and passes the range to the two halves of the segment. */
function settle(state: DcisState, segment: Segment, increments: number, ceiling: number, mayStay: boolean): void {
  const tried = state.tried.map((objective, i) => ({
    objective: objective ?? Infinity,
    k: increment(segment, i, increments),
  }));
  const ranked = (mayStay ? [...tried, { objective: state.current, k: 0 }] : tried)
    .filter(({ objective }) => objective < ceiling)
    .sort((a, b) => a.objective - b.objective);
  let { low, high } = segment;
  const best = ranked[0];
  if (best) {
    state.factors = moved(state.factors, segment, best.k);
    state.current = best.objective;
    const top = ranked.slice(0, TOP).map(({ k }) => k);
    const width = (high - low) / (increments - 1);
    low = Math.min(...top) - width - best.k;
    high = Math.max(...top) + width - best.k;
  }
  state.queue.shift();
  state.tried = [];
  state.next.push(...halves(segment, low, high));
  if (state.queue.length === 0) {
    state.queue = state.next;
    state.next = [];
  }
}

/** The i-th of evenly spaced increments over the segment's range, both ends included. */
function increment(segment: Segment, i: number, increments: number): number {
  return segment.low + ((segment.high - segment.low) * i) / (increments - 1);
}

function moved(factors: readonly number[], { from, to }: Segment, k: number): number[] {
  return factors.map((factor, i) => (i >= from && i < to ? Math.max(SMALLEST_FACTOR, factor + k) : factor));
}

/** The halves of a segment, the lower frequencies first; none of a single dimension. */
function halves({ from, to }: Pick<Segment, 'from' | 'to'>, low: number, high: number): Segment[] {
  if (to - from < 2) return [];
  const middle = from + ((to - from) >> 1);
  return [
    { from: middle, to, low, high },
    { from, to: middle, low, high },
  ];
}

/** Number of segments searched below a segment of this many dimensions: 2 + 4 + … + n for a power of two. */
function segmentsBelow(dimensions: number): number {
  const half = dimensions >> 1;
  return dimensions < 2 ? 0 : 2 + segmentsBelow(half) + segmentsBelow(dimensions - half);
}

function start(initial: Float64Array, range: number): DcisState {
  const whole = { from: 0, to: initial.length };
  return {
    factors: [...initial],
    current: Infinity,
    queue: halves(whole, -range, range),
    next: [],
    tried: [],
    evaluations: 0,
    best: { factors: [...initial], objective: Infinity, after: 0 },
  };
}
