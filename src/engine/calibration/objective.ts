import { full } from '../attention/full';
import type { Decoder } from '../decoder/decoder';
import { negativeLogLikelihood } from '../generate/perplexity';
import { generator } from '../generate/sampling';
import { ropeFrequencies, withFactors } from '../rope/frequencies';

/** A calibration row: tokens, and which of them count. */
export interface CalibrationRow {
  tokens: number[];
  /** Token t counts (its prediction from the tokens before it) if `counts[t]` is 1; [tokens]. */
  counts: Uint8Array;
}

const CHUNK_TOKENS = 256;
/** Largest share of a row that needles and their repetitions take. */
const NEEDLE_SHARE = 0.25;

/**
 * Rows of `length` tokens from the start of a text, each behind `bos`; every token counts. The paper uses one row.
 * Several rows depend less on one document's peculiarities, and cost more.
 *
 * @throws RangeError when the text is too short for one row
 */
export function perplexityRows(text: readonly number[], length: number, rows: number, bos?: number): CalibrationRow[] {
  return cut(text, length, rows, bos).map((tokens) => ({ tokens, counts: new Uint8Array(length).fill(1, 1) }));
}

/**
 * Needle rows (LongRoPE2, 2502.20082, §3.3), made of tokens so that any model and text will do. Spans from elsewhere in
 * the text are hidden at random depths. They are repeated at the end, behind their own first tokens as a cue. Only
 * repeated tokens count: the rows measure whether the model finds the spans again.
 *
 * @param seed places and spans; the same seed hides the same needles
 */
export function needleRows(
  text: readonly number[],
  length: number,
  rows: number,
  seed: number,
  bos?: number,
  needles = 8,
  span = 12,
  cue = 4,
): CalibrationRow[] {
  const random = generator(seed);
  const count = Math.max(1, Math.min(needles, Math.floor((length * NEEDLE_SHARE) / (2 * span))));
  if (2 * span * count >= length - 1)
    throw new RangeError(`rows of ${length} tokens have no room for needles of ${span}`);
  return cut(text, length, rows, bos).map((base) => {
    const spans = Array.from({ length: count }, () => {
      const from = Math.floor(random() * (text.length - span));
      return text.slice(from, from + span);
    });
    const hay = base.slice(0, length - 2 * span * count);
    const depths = spans.map((_, i) => 1 + Math.floor(((i + random()) / count) * (hay.length - 1)));
    const tokens: number[] = [];
    let taken = 0;
    spans.forEach((needle, i) => {
      const depth = Math.max(taken, depths[i] as number);
      tokens.push(...hay.slice(taken, depth), ...needle);
      taken = depth;
    });
    tokens.push(...hay.slice(taken));
    const counts = new Uint8Array(length);
    for (const needle of spans) {
      counts.fill(1, tokens.length + cue, tokens.length + span);
      tokens.push(...needle);
    }
    return { tokens, counts };
  });
}

function cut(text: readonly number[], length: number, rows: number, bos: number | undefined): number[][] {
  const body = bos === undefined ? length : length - 1;
  const found: number[][] = [];
  for (let from = 0; found.length < rows && from + body <= text.length; from += body) {
    const part = text.slice(from, from + body);
    found.push(bos === undefined || part[0] === bos ? text.slice(from, from + length) : [bos, ...part]);
  }
  const whole = found.filter((row) => row.length === length);
  if (whole.length === 0)
    throw new RangeError(
      `the text has ${text.length} tokens; calibrating needs at least ${length} (the extended window)`,
    );
  return whole;
}

/**
 * Perplexity of the counted tokens under rotary factors: exp of their mean negative log-likelihood, in one forward pass
 * over each row.
 */
export async function factorPerplexity(
  decoder: Decoder,
  rows: readonly CalibrationRow[],
  factors: Float64Array,
  extension: number,
  attentionFactor?: number,
  signal?: AbortSignal,
): Promise<number> {
  const { rope: own, vocabSize } = decoder.config;
  const rope = ropeFrequencies(withFactors(own, factors, extension, attentionFactor), own.originalMaxPositions + 1);
  let sum = 0;
  let counted = 0;
  for (const { tokens, counts } of rows) {
    const context = decoder.newContext(full(decoder.config.slidingWindow), tokens.length, { rope });
    const last = counts.lastIndexOf(1);
    for (let from = 0; from < last; from += CHUNK_TOKENS) {
      const to = Math.min(last, from + CHUNK_TOKENS);
      const wanted = counts.subarray(from + 1, to + 1).includes(1);
      const { logits } = await context.prefill(tokens.slice(from, to), {
        logits: wanted ? 'all' : 'none',
        ...(signal ? { signal } : {}),
      });
      if (!wanted) continue;
      for (let i = from; i < to; i++) {
        if (counts[i + 1] !== 1) continue;
        sum += negativeLogLikelihood(
          logits.subarray((i - from) * vocabSize, (i - from + 1) * vocabSize),
          tokens[i + 1] as number,
        );
        counted++;
      }
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return Math.exp(sum / counted);
}
