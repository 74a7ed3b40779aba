/**
 * Late interaction over the model's token vectors (ColBERT, Khattab and Zaharia, SIGIR 2020, section 3.2). Each token
 * of the question is matched with its most similar token of a segment, and the similarities are summed. A mean over
 * 256 tokens hides a single matching line; late interaction finds it. The store keeps token ids, two bytes each, and
 * similarities are looked up by id. A scan of a million tokens reads 2 MB.
 */
import type { TokenNeighbours } from '../protocol/memory';

/** How much of a question a segment contains. */
export interface LateScore {
  /** Share (0…1) of the question's weight found anywhere in the segment. */
  segment: number;
  /** Share (0…1) found within the best passage: two neighbouring blocks. */
  passage: number;
  /** Summed weight of the best run of neighbouring tokens in the question's order. */
  tokenRun: number;
}

export interface LateInteractionOptions {
  /** Tokens of a block. A passage is two neighbouring blocks. */
  blockTokens: number;
  /** Exponent applied to a similarity, so that a near token counts little compared with an equal one. */
  sharpness: number;
}

/** Scores the token ids of segments against one question. */
export class LateInteraction {
  /** [vocabulary]: start of the id's list in `matchedAt`, or −1 for an id without a match. */
  private readonly places: Int32Array;
  /** Lists of question-token indices, last first, each ended by −1. `worth` has the similarity of each match. */
  private readonly matchedAt: Int32Array;
  private readonly worth: Float32Array;
  /** Weight of the whole question. */
  private readonly whole: number;
  /** [n], best similarity of each question token: in two neighbouring blocks, which take turns, and in all. */
  private readonly blocks: readonly [Float32Array, Float32Array];
  private readonly best: Float32Array;
  /** [n + 1]: position at which the run that ends in each question token last ended, and the run's weight. */
  private readonly runAt: Int32Array;
  private readonly runWeight: Float32Array;

  constructor(
    private readonly query: TokenNeighbours,
    vocabSize: number,
    private readonly options: LateInteractionOptions,
  ) {
    const { starts, ids, similarities } = query;
    const n = query.weights.length;
    this.places = new Int32Array(vocabSize).fill(-1);
    const matches = new Map<number, { at: number; worth: number }[]>();
    for (let j = n - 1; j >= 0; j--) {
      for (let i = starts[j] as number; i < (starts[j + 1] as number); i++) {
        const id = ids[i] as number;
        const own = matches.get(id);
        const match = { at: j, worth: (similarities[i] as number) ** options.sharpness };
        if (own) own.push(match);
        else matches.set(id, [match]);
      }
    }
    const size = [...matches.values()].reduce((sum, list) => sum + list.length + 1, 0);
    this.matchedAt = new Int32Array(size);
    this.worth = new Float32Array(size);
    let at = 0;
    for (const [id, list] of matches) {
      if (id < vocabSize) this.places[id] = at;
      for (const match of list) {
        this.matchedAt[at] = match.at;
        this.worth[at++] = match.worth;
      }
      this.matchedAt[at++] = -1;
    }
    this.whole = query.weights.reduce((sum, weight) => sum + weight, 0) || 1;
    this.blocks = [new Float32Array(n), new Float32Array(n)];
    this.best = new Float32Array(n);
    this.runAt = new Int32Array(n + 1);
    this.runWeight = new Float32Array(n + 1);
  }

  /** Returns the start of the stretch of `tokens` tokens with the best match in its middle. */
  bestStretch(ids: Uint16Array, tokens: number): number {
    const { blockTokens } = this.options;
    let best = -1;
    let at = 0;
    for (let from = 0; from < ids.length; from += blockTokens / 2) {
      const { passage, tokenRun } = this.score(ids.subarray(from, from + 2 * blockTokens));
      if (passage + tokenRun <= best) continue;
      best = passage + tokenRun;
      at = from;
    }
    return Math.max(0, Math.min(ids.length - tokens, at + blockTokens - Math.floor(tokens / 2)));
  }

  score(ids: Uint16Array): LateScore {
    const {
      places,
      matchedAt,
      worth,
      best,
      runAt,
      runWeight,
      whole,
      query: { lengths },
      options: { blockTokens },
    } = this;
    let [before, here] = this.blocks;
    best.fill(0);
    before.fill(0);
    here.fill(0);
    runAt.fill(-2);
    let passage = 0;
    let tokenRun = 0;
    let matchedBefore = false;
    let matched = false;
    let blockEnd = blockTokens;
    for (let k = 0; k < ids.length; k++) {
      if (k === blockEnd) {
        blockEnd += blockTokens;
        // A block without a match makes no passage better than the previous one.
        if (matched) passage = Math.max(passage, this.weigh(before, here));
        // Swapped by hand, emptied where needed, counted without a division: there are millions of tokens.
        const spare = before;
        before = here;
        here = spare;
        if (matchedBefore) here.fill(0);
        matchedBefore = matched;
        matched = false;
      }
      let place = places[ids[k] as number] as number;
      if (place < 0) continue;
      matched = true;
      for (let j = matchedAt[place] as number; j >= 0; j = matchedAt[++place] as number) {
        const value = worth[place] as number;
        if (value > (here[j] as number)) here[j] = value;
        if (value > (best[j] as number)) best[j] = value;
        // Matches are listed last first, so entry j still holds the run up to the previous token of the segment.
        const length = (runAt[j] === k - 1 ? (runWeight[j] as number) : 0) + value * (lengths[j] as number);
        runAt[j + 1] = k;
        runWeight[j + 1] = length;
        if (length > tokenRun) tokenRun = length;
      }
    }
    if (matched) passage = Math.max(passage, this.weigh(before, here));
    return { segment: this.weigh(best, best) / whole, passage: passage / whole, tokenRun };
  }

  /** Sums the weight of the question's tokens, each times the better of its two similarities. */
  private weigh(one: Float32Array, other: Float32Array): number {
    const { weights } = this.query;
    let sum = 0;
    for (let j = 0; j < weights.length; j++)
      sum += Math.max(one[j] as number, other[j] as number) * (weights[j] as number);
    return sum;
  }
}
