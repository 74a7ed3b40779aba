import { readFileSync } from 'node:fs';
import { Decoder, lambda, full, openCheckpoint, streaming, type AttentionPolicy } from '../../../src/engine';
import { sharedData } from '../../shared-data';
import { round, table } from './measure';

/**
 * Negative log-likelihood (nats) of text by position: LM-Infinite and its components, on trained models far beyond
 * their window.
 */
const MODELS = [
  { name: 'babyllama-char', window: 192, sinks: 8 },
  { name: 'stories260K', window: 384, sinks: 8 },
] as const;
const EDGES = [0, 128, 512, 1024, 2048, 4096, 8192, 16_384, 32_768];

export async function lmInfinite(length: number): Promise<void> {
  for (const { name, window, sinks } of MODELS) {
    const directory = sharedData(`checkpoints/${name}`);
    const file = sharedData(`text/tinystories-rows-${name}.json`);
    if (!directory || !file) {
      console.log(`${name}: skipped, because the shared data is missing`);
      continue;
    }
    const rows = JSON.parse(readFileSync(file, 'utf8')) as number[][];
    const tokens = rows.flat().slice(0, length);
    const checkpoint = await openCheckpoint(directory);
    const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null });
    await checkpoint.close();
    const results: Record<string, string | number>[] = [];
    const add = (what: string, nll: Float64Array, peak: number | string) =>
      results.push({ what, rows: peak, ...byPosition(nll) });
    const reread = await rereading(decoder, tokens, window);
    add('re-reading the last window', reread, window);
    const policies: [string, AttentionPolicy][] = [
      ['Λ', lambda({ sinks, window })],
      ['StreamingLLM', streaming({ sinks, window: window - sinks })],
      ['window without sinks', lambda({ sinks: 0, window })],
      ['sinks and window, no ceiling', lambda({ sinks, window, ceiling: Infinity })],
      ['full attention', full()],
    ];
    let worst = 0;
    for (const [what, policy] of policies) {
      const far = what === 'full attention' ? tokens.slice(0, 4096) : tokens;
      const context = decoder.newContext(policy, far.length);
      const nll = losses((await context.prefill(far, { logits: 'all' })).logits, far, decoder.config.vocabSize);
      add(what, nll, context.ledger().rows);
      if (what !== 'Λ') continue;
      const [ours, theirs] = [byPosition(nll), byPosition(reread)];
      for (const bucket of Object.keys(ours))
        worst = Math.max(worst, Math.abs((ours[bucket] as number) / (theirs[bucket] as number) - 1));
    }
    table(`${name}: nats by position (window ${window}, ${sinks} sinks)`, results);
    console.log(`Λ is within ${round(worst * 100, 2)}% of re-reading in every bucket`);
    await decoder.close();
  }
}

/** Re-reads the last window for every stride of a quarter window, and scores the stride. */
async function rereading(decoder: Decoder, tokens: readonly number[], window: number): Promise<Float64Array> {
  const { vocabSize } = decoder.config;
  const stride = window / 4;
  const nll = new Float64Array(tokens.length - 1);
  for (let from = 0; from < tokens.length - 1; from = from === 0 ? window : from + stride) {
    const to = Math.min(tokens.length, from === 0 ? window : from + stride);
    const start = Math.max(0, to - window);
    const part = tokens.slice(start, Math.min(tokens.length, to + 1));
    const { logits } = await decoder.newContext(full(), part.length).prefill(part, { logits: 'all' });
    const own = losses(logits, part, vocabSize);
    for (let i = from; i < to && i < nll.length; i++) nll[i] = own[i - start] as number;
  }
  return nll;
}

/** −log p of tokens[i + 1] at row i. */
function losses(logits: Float32Array, tokens: readonly number[], vocab: number): Float64Array {
  return Float64Array.from({ length: tokens.length - 1 }, (_, i) => {
    const row = logits.subarray(i * vocab, (i + 1) * vocab);
    let most = -Infinity;
    for (const x of row) most = Math.max(most, x);
    let sum = 0;
    for (const x of row) sum += Math.exp(x - most);
    return Math.log(sum) + most - (row[tokens[i + 1] as number] as number);
  });
}

function byPosition(nll: Float64Array): Record<string, number> {
  const buckets: Record<string, number> = {};
  EDGES.slice(1).forEach((to, i) => {
    const part = nll.subarray(EDGES[i] as number, Math.min(to, nll.length));
    if (part.length > 0) buckets[`to ${to}`] = round(part.reduce((a, b) => a + b, 0) / part.length, 3);
  });
  return buckets;
}
