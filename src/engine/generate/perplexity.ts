import type { AttentionPolicy } from '../attention/policy';
import { placedRows } from '../attention/reading';
import type { Decoder } from '../decoder/decoder';
import { DecoderError } from '../decoder/errors';
import { ropeFrequencies } from '../rope/frequencies';

/**
 * Mean negative log-likelihood (nats) of the next token, after the tokens at positions [from, to) of their rows have
 * been read.
 */
export interface PerplexityBucket {
  from: number;
  to: number;
  nll: number;
  /** Tokens averaged over. */
  tokens: number;
}

export interface PerplexityReport {
  buckets: PerplexityBucket[];
  /** Most cache rows held at any time. */
  rows: number;
  /** Over all tokens. */
  nll: number;
  tokens: number;
}

export interface PerplexityOptions {
  /** New for each row of tokens; default full attention. */
  policy?: () => AttentionPolicy;
  /**
   * Bounds of the buckets, ascending (position 0, where only the first token is known, belongs to none); default 1,
   * 128, 256, 512, 1024, 1536, 2048, 3072, 4096 and so on in steps of half an octave.
   */
  edges?: readonly number[];
  /** Tokens read at once; bounds the memory of the logits. */
  chunkTokens?: number;
  signal?: AbortSignal;
  onProgress?: (read: number, total: number) => void;
}

const CHUNK_TOKENS = 256;

/** 1, 128, 256, 512, 1024, 1536, 2048, 3072, 4096, 6144 … up to and including `length`. */
export function defaultEdges(length: number): number[] {
  const edges = [1, 128, 256, 512];
  for (let octave = 1024; (edges.at(-1) as number) < length; octave *= 2) edges.push(octave, octave * 1.5);
  return [...edges.filter((edge) => edge < length), Math.max(2, length)];
}

/**
 * Measures how well each token is predicted from the tokens before it in its row, by position. Rows are independent
 * texts. Each is read once, in chunks, under the policy, so that memory stays that of the policy.
 *
 * @throws DecoderError 'badInput' for rows of fewer than two tokens, 'cancelled'
 */
export async function measurePerplexity(
  decoder: Decoder,
  rows: readonly (readonly number[])[],
  options: PerplexityOptions = {},
): Promise<PerplexityReport> {
  const longest = Math.max(0, ...rows.map((row) => row.length));
  const total = rows.reduce((sum, row) => sum + row.length, 0);
  if (longest < 2) throw new DecoderError('badInput', 'perplexity needs at least two tokens');
  const edges = (options.edges ?? defaultEdges(longest)).filter(
    (edge, i, all) => i === 0 || edge > (all[i - 1] as number),
  );
  const sums = new Float64Array(edges.length);
  const counts = new Float64Array(edges.length);
  let held = 0;
  let read = 0;
  for (const row of rows) {
    let bucket = 0;
    for await (const { position, nll, rowsHeld } of negativeLogLikelihoods(decoder, row, options)) {
      held = Math.max(held, rowsHeld);
      while (bucket < edges.length && position >= (edges[bucket] as number)) bucket++;
      if (bucket > 0) {
        sums[bucket - 1] = (sums[bucket - 1] as number) + nll;
        counts[bucket - 1] = (counts[bucket - 1] as number) + 1;
      }
      if (position % CHUNK_TOKENS === 0) options.onProgress?.(read + position, total);
    }
    read += row.length;
    options.onProgress?.(read, total);
  }
  const buckets = edges.slice(0, -1).map((from, i) => ({
    from,
    to: edges[i + 1] as number,
    nll: (sums[i] as number) / (counts[i] as number),
    tokens: counts[i] as number,
  }));
  const tokens = buckets.reduce((sum, bucket) => sum + bucket.tokens, 0);
  const nll = buckets.reduce((sum, bucket, i) => sum + (bucket.tokens > 0 ? (sums[i] as number) : 0), 0) / tokens;
  return { buckets: buckets.filter((bucket) => bucket.tokens > 0), rows: held, nll, tokens };
}

interface Likelihood {
  /** Index of the last token read; the next one is predicted. */
  position: number;
  nll: number;
  rowsHeld: number;
}

async function* negativeLogLikelihoods(
  decoder: Decoder,
  row: readonly number[],
  options: PerplexityOptions,
): AsyncGenerator<Likelihood> {
  const { vocabSize } = decoder.config;
  const size = options.chunkTokens ?? CHUNK_TOKENS;
  const policy = options.policy?.();
  const inUse = Math.min(row.length, policy?.ceiling ?? Infinity);
  const capacity = row.length + placedRows(policy?.middle);
  const context = decoder.newContext(policy, capacity, { rope: ropeFrequencies(decoder.config.rope, inUse) });
  for (let from = 0, next = 0; from + 1 < row.length; from = next) {
    if (options.signal?.aborted) throw new DecoderError('cancelled', `cancelled after ${from} of ${row.length} tokens`);
    // Beyond the window the model looks back before each run; by heads only a run's last query sees middle rows.
    const within = policy?.middle ? (policy.causalWithin ?? 0) - from : Infinity;
    const beyond = within <= 0 ? policy?.middle : undefined;
    const run = beyond ? (beyond.blocks ? beyond.tail : 1) : Math.min(size, within);
    next = Math.min(row.length - 1, from + run);
    if (beyond?.blocks) await context.lookBack(row.slice(Math.max(0, from - beyond.tail), from));
    const chunk = row.slice(from, next);
    const { logits } = await context.prefill(chunk, { logits: 'all' });
    const rowsHeld = context.ledger().rows;
    for (let i = 0; i < chunk.length; i++) {
      const position = from + i;
      yield {
        position,
        nll: negativeLogLikelihood(logits.subarray(i * vocabSize, (i + 1) * vocabSize), row[position + 1] as number),
        rowsHeld,
      };
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** −ln softmax(logits)[token]. */
export function negativeLogLikelihood(logits: Float32Array, token: number): number {
  let highest = -Infinity;
  for (let i = 0; i < logits.length; i++) if ((logits[i] as number) > highest) highest = logits[i] as number;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp((logits[i] as number) - highest);
  return Math.log(sum) + highest - (logits[token] as number);
}
