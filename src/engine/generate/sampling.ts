/** Choice of the next token from the logits. Everything is off by default: greedy. */
export interface SamplingOptions {
  /** Divides the logits; 0 (default) takes the likeliest token. */
  temperature?: number;
  /** Only the k likeliest tokens; 0 for all. */
  topK?: number;
  /** Only the likeliest tokens that together reach this probability (Holtzman et al. 2019); 1 for all. */
  topP?: number;
  /** Only tokens at least this share as likely as the likeliest (Nguyen et al. 2024); 0 for all. */
  minP?: number;
  /**
   * Divides positive and multiplies negative logits of tokens seen in the last `repetitionWindow` (Keskar et al. 2019);
   * 1 for none.
   */
  repetitionPenalty?: number;
  /** Tokens looked back at, prompt included; default 256. */
  repetitionWindow?: number;
  /** Same seed, same prompt, same text. Default: drawn at random. */
  seed?: number;
}

const REPETITION_WINDOW = 256;

/** Chooses tokens one after the other. */
export class Sampler {
  /** The seed in use, so that a random text can be reproduced. */
  readonly seed: number;
  private readonly options: Required<Omit<SamplingOptions, 'seed'>>;
  private readonly random: () => number;
  private recent: number[] = [];

  /** @throws RangeError for options outside their range */
  constructor(options: SamplingOptions = {}) {
    this.options = {
      temperature: inRange('temperature', options.temperature ?? 0, 0, 100),
      topK: inRange('topK', options.topK ?? 0, 0, Number.MAX_SAFE_INTEGER),
      topP: inRange('topP', options.topP ?? 1, Number.MIN_VALUE, 1),
      minP: inRange('minP', options.minP ?? 0, 0, 1),
      repetitionPenalty: inRange('repetitionPenalty', options.repetitionPenalty ?? 1, 1e-3, 100),
      repetitionWindow: inRange(
        'repetitionWindow',
        options.repetitionWindow ?? REPETITION_WINDOW,
        0,
        Number.MAX_SAFE_INTEGER,
      ),
    };
    this.seed = (options.seed ?? Math.floor(Math.random() * 2 ** 32)) >>> 0;
    this.random = generator(this.seed);
  }

  /** Sets the tokens before the next one (the prompt). Tokens returned by `next` are added automatically. */
  see(tokens: ArrayLike<number>): void {
    const { repetitionWindow } = this.options;
    for (let i = Math.max(0, tokens.length - repetitionWindow); i < tokens.length; i++)
      this.recent.push(tokens[i] as number);
    if (this.recent.length > 2 * repetitionWindow)
      this.recent = repetitionWindow === 0 ? [] : this.recent.slice(-repetitionWindow);
  }

  /** The next token. @param logits [vocab]; left as they are */
  next(logits: Float32Array): number {
    const { temperature, repetitionPenalty } = this.options;
    const scores = repetitionPenalty === 1 ? logits : this.penalized(logits);
    const token = temperature === 0 ? argmax(scores) : this.draw(scores);
    this.see([token]);
    return token;
  }

  private penalized(logits: Float32Array): Float32Array {
    const { repetitionPenalty, repetitionWindow } = this.options;
    const scores = logits.slice();
    const seen = repetitionWindow === 0 ? [] : this.recent.slice(-repetitionWindow);
    for (const token of new Set(seen)) {
      const score = scores[token];
      if (score !== undefined) scores[token] = score > 0 ? score / repetitionPenalty : score * repetitionPenalty;
    }
    return scores;
  }

  /** Temperature, then top-k, top-p and min-p in the order of the transformers library, then one draw. */
  private draw(scores: Float32Array): number {
    const { temperature, topK, topP, minP } = this.options;
    const highest = scores[argmax(scores)] as number;
    const weigh = (token: number) => Math.exp(((scores[token] as number) - highest) / temperature);
    let tokens = topK > 0 && topK < scores.length ? likeliest(scores, topK) : undefined;
    if (topP < 1)
      tokens = tokens ? nucleus(tokens, massOf(tokens, weigh) * topP, weigh) : nucleusOfAll(scores, topP, weigh);
    tokens ??= Array.from(scores, (_, token) => token);
    if (minP > 0) tokens = tokens.filter((token) => weigh(token) >= minP);
    const weights = tokens.map(weigh);
    let rest = this.random() * weights.reduce((sum, weight) => sum + weight, 0);
    for (let i = 0; i < tokens.length; i++) {
      rest -= weights[i] as number;
      if (rest < 0) return tokens[i] as number;
    }
    return tokens[weights.findLastIndex((weight) => weight > 0)] as number;
  }
}

/** The likeliest token; of equals the first. NaN never wins. */
export function argmax(scores: Float32Array): number {
  let best = 0;
  let highest = -Infinity;
  for (let i = 0; i < scores.length; i++) {
    if ((scores[i] as number) > highest) {
      highest = scores[i] as number;
      best = i;
    }
  }
  return best;
}

/** The k highest, descending. Sorting a copy is as fast as a heap at the sizes of vocabularies. */
function likeliest(scores: Float32Array, k: number): number[] {
  const least = scores.slice().sort()[scores.length - k] as number;
  const tokens: number[] = [];
  for (let i = 0; i < scores.length; i++) if ((scores[i] as number) >= least) tokens.push(i);
  return tokens.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b).slice(0, k);
}

/** The nucleus of the whole vocabulary. Tokens far below the highest are sorted only if the share needs them. */
function nucleusOfAll(scores: Float32Array, topP: number, weigh: (token: number) => number): number[] {
  const weights = new Float64Array(scores.length);
  let total = 0;
  for (let token = 0; token < weights.length; token++) total += weights[token] = weigh(token);
  for (let least = 1e-3; ; least = least < 1e-12 ? 0 : least * 1e-3) {
    const tokens: number[] = [];
    let held = 0;
    for (let token = 0; token < weights.length; token++) {
      const weight = weights[token] as number;
      if (weight < least) continue;
      tokens.push(token);
      held += weight;
    }
    if (least === 0 || held >= topP * total) {
      return nucleus(
        tokens.sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b),
        topP * total,
        weigh,
      );
    }
  }
}

function massOf(tokens: readonly number[], weigh: (token: number) => number): number {
  return tokens.reduce((sum, token) => sum + weigh(token), 0);
}

/** The shortest head of descending tokens that holds the wanted mass; at least one token. */
function nucleus(tokens: readonly number[], wanted: number, weigh: (token: number) => number): number[] {
  let held = 0;
  let count = 0;
  while (count < tokens.length && held < wanted) held += weigh(tokens[count++] as number);
  return tokens.slice(0, Math.max(1, count));
}

/** sfc32 (Doty-Humphrey): 2^32 seeds, passes PractRand, and the same everywhere. Uniform in [0, 1). */
export function generator(seed: number): () => number {
  let [a, b, c, d] = [seed >>> 0, 0x9e3779b9, 0x243f6a88, 0xb7e15162];
  const next = () => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 15; i++) next();
  return next;
}

function inRange(name: string, value: number, min: number, max: number): number {
  if (!(value >= min && value <= max))
    throw new RangeError(`${name} is ${value}; it must lie between ${min} and ${max}`);
  return value;
}
