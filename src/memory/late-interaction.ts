/**
 * Late interaction (ColBERT, Khattab and Zaharia, SIGIR 2020, section 3.2) over the model's own token vectors: each
 * token of a question looks for the token of a segment that is nearest to it, and these similarities are summed. A mean
 * of 256 tokens drowns one odd line; here the line that meets the question decides. Of a segment its token ids are kept
 * (two bytes each) and their vectors looked up, so a scan reads 2 MB a million tokens.
 */
import type { TokenNeighbours } from '../protocol';

/** What of a question is found in a segment: shares of the question's whole weight, and a weight. */
export interface LateScore {
  /** Anywhere in it. */
  segment: number;
  /** Within the best window of tokens. */
  window: number;
  /** Of the best run of neighbouring tokens that stand in the question's order. */
  run: number;
}

/** Tokens of a block; a window is two neighbouring ones. */
const BLOCK = 16;
/** Similarities count by this power: near is worth little beside equal. */
const SHARPNESS = 3;

/** Holds segments against one question. */
export class LateInteraction {
  /** [vocabulary]: place in `entries` of the question's tokens that a token is near to, -1 for none. */
  private readonly places: Int32Array;
  /**
   * The question's tokens that a token is near to, the last first, each list ended by -1; and what each match is worth.
   */
  private readonly askedAt: Int32Array;
  private readonly worth: Float32Array;
  private readonly whole: number;
  /** [n] of the block before, of this one, and of all. */
  private before: Float32Array;
  private here: Float32Array;
  private readonly best: Float32Array;
  /** Where the run that ends at each of the question's tokens ended last, and its weight. */
  private readonly runAt: Int32Array;
  private readonly runWeight: Float32Array;

  constructor(
    private readonly look: TokenNeighbours,
    vocabSize: number,
  ) {
    const { starts, ids, similarities } = look;
    const n = look.weights.length;
    this.places = new Int32Array(vocabSize).fill(-1);
    const matches = new Map<number, { at: number; worth: number }[]>();
    for (let j = n - 1; j >= 0; j--) {
      for (let i = starts[j] as number; i < (starts[j + 1] as number); i++) {
        const id = ids[i] as number;
        const own = matches.get(id);
        const match = { at: j, worth: (similarities[i] as number) ** SHARPNESS };
        if (own) own.push(match);
        else matches.set(id, [match]);
      }
    }
    const size = [...matches.values()].reduce((sum, list) => sum + list.length + 1, 0);
    this.askedAt = new Int32Array(size);
    this.worth = new Float32Array(size);
    let at = 0;
    for (const [id, list] of matches) {
      if (id < vocabSize) this.places[id] = at;
      for (const match of list) {
        this.askedAt[at] = match.at;
        this.worth[at++] = match.worth;
      }
      this.askedAt[at++] = -1;
    }
    this.whole = look.weights.reduce((sum, weight) => sum + weight, 0) || 1;
    this.before = new Float32Array(n);
    this.here = new Float32Array(n);
    this.best = new Float32Array(n);
    this.runAt = new Int32Array(n + 1);
    this.runWeight = new Float32Array(n + 1);
  }

  /** Where the stretch of so many tokens begins that has what meets the question best in its middle. */
  stretch(ids: Uint16Array, tokens: number): number {
    let best = -1;
    let at = 0;
    for (let from = 0; from < ids.length; from += BLOCK / 2) {
      const { window, run } = this.score(ids.subarray(from, from + 2 * BLOCK));
      if (window + run <= best) continue;
      best = window + run;
      at = from;
    }
    return Math.max(0, Math.min(ids.length - tokens, at + BLOCK - Math.floor(tokens / 2)));
  }

  score(ids: Uint16Array): LateScore {
    const {
      places,
      askedAt,
      worth,
      best,
      runAt,
      runWeight,
      whole,
      look: { lengths },
    } = this;
    for (const kept of [best, this.before, this.here]) kept.fill(0);
    runAt.fill(-2);
    let window = 0;
    let run = 0;
    let met = false;
    for (let k = 0; k < ids.length; k++) {
      if (k > 0 && k % BLOCK === 0) {
        // A block that meets nothing makes no window better than the one before.
        if (met) window = Math.max(window, this.windowWeight());
        met = false;
        [this.before, this.here] = [this.here, this.before];
        this.here.fill(0);
      }
      let place = places[ids[k] as number] as number;
      if (place < 0) continue;
      met = true;
      const { here } = this;
      for (let j = askedAt[place] as number; j >= 0; j = askedAt[++place] as number) {
        const value = worth[place] as number;
        if (value > (here[j] as number)) here[j] = value;
        if (value > (best[j] as number)) best[j] = value;
        // The question's later tokens come first, so what ends before this one is still the run up to the token before.
        const length = (runAt[j] === k - 1 ? (runWeight[j] as number) : 0) + value * (lengths[j] as number);
        runAt[j + 1] = k;
        runWeight[j + 1] = length;
        if (length > run) run = length;
      }
    }
    if (met) window = Math.max(window, this.windowWeight());
    return { segment: this.weigh(best, best) / whole, window: window / whole, run };
  }

  private windowWeight(): number {
    return this.weigh(this.before, this.here);
  }

  /** The question's weight that is found in either. */
  private weigh(one: Float32Array, other: Float32Array): number {
    const { weights } = this.look;
    let sum = 0;
    for (let j = 0; j < weights.length; j++)
      sum += Math.max(one[j] as number, other[j] as number) * (weights[j] as number);
    return sum;
  }
}
