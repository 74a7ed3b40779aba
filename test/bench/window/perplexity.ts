import {
  full,
  negativeLogLikelihood,
  readingPolicy,
  readingRows,
  ropeFrequencies,
  type DecoderContext,
} from '../../../src/engine';
import { round, table } from '../engine/measure';
import { interval, mean } from '../memory/statistics';
import type { Subject } from './subject';

/** Tokens whose prediction counts, at the end of each part of the text; at most an eighth of the window. */
const STRETCH = 512;
/** Tokens after which the model looks back again. */
const AGAIN = 64;

/** Compares three readings of the same stretches beyond the window. */
export async function comparePerplexity({ decoder, tokenizer, text, window, times }: Subject): Promise<void> {
  const { rowBytes } = decoder;
  const config = { ...decoder.config, maxPositions: window };
  const stretch = Math.min(STRETCH, window / 8);
  const tokens = tokenizer.encode(text, { addSpecialTokens: false }).slice(0, window * times);
  const policy = readingPolicy(config, { tokens: tokens.length, rowBytes });
  const rope = ropeFrequencies(config.rope, Math.min(tokens.length, policy.ceiling));
  const context = decoder.newContext(policy, readingRows(policy, tokens.length) + window, { rope });
  const nats: Record<'again' | 'lambda' | 'back', number[]> = { again: [], lambda: [], back: [] };
  let read = 0;
  for (let end = 2 * window; end <= tokens.length; end += window) {
    const from = end - stretch;
    await context.prefill(tokens.slice(read, from), { logits: 'none' });
    const counted = tokens.slice(from, end);
    const again = decoder.newContext(full(), window, { rope });
    await again.prefill(tokens.slice(end - window, from), { logits: 'none' });
    const last = tokens.slice(from - AGAIN, from);
    nats.again.push(...(await losses(again, last, counted, false)));
    nats.lambda.push(...(await losses(context.fork(), last, counted, false)));
    nats.back.push(...(await losses(context.fork(), last, counted, true)));
    read = from;
    process.stderr.write(`${end} of ${tokens.length}\n`);
  }
  const ratio = (own: readonly number[]) => {
    const differences = own.map((loss, i) => loss - (nats.again[i] as number));
    const [low, high] = interval(differences).map(Math.exp) as [number, number];
    return {
      perplexity: round(Math.exp(mean(own)), 3),
      ratio: round(Math.exp(mean(differences)), 4),
      interval: `[${low.toFixed(4)}, ${high.toFixed(4)}]`,
    };
  };
  table(`Perplexity of ${nats.again.length} tokens, positions ${2 * window - stretch} to ${tokens.length}`, [
    { reading: 'the window before each stretch again', ...ratio(nats.again) },
    { reading: 'Λ', ...ratio(nats.lambda) },
    { reading: `Λ, looking back by blocks every ${AGAIN} tokens`, ...ratio(nats.back) },
  ]);
}

/** Nats of each token but the first, which no context has predicted yet. */
async function losses(
  context: DecoderContext,
  before: readonly number[],
  tokens: readonly number[],
  isLookingBack: boolean,
): Promise<number[]> {
  const found: number[] = [];
  let asking = before;
  for (let from = 0; from < tokens.length; from += AGAIN) {
    if (isLookingBack) await context.lookBack(asking);
    const part = tokens.slice(from, from + AGAIN);
    const { logits } = await context.prefill(part, { logits: 'all' });
    const size = logits.length / part.length;
    part.forEach((_, i) => {
      const next = tokens[from + i + 1];
      if (next !== undefined) found.push(negativeLogLikelihood(logits.subarray(i * size, (i + 1) * size), next));
    });
    asking = part;
  }
  return found;
}
