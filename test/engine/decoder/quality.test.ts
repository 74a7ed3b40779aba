import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Decoder, full, negativeLogLikelihood, openCheckpoint, type WeightFormat } from '../../../src/engine';
import { sharedData } from '../../shared-data';

const MODELS = [['stories260K', 512], ['babyllama-char', 256]] as const;

const ROWS = 4;

/** Mean nats over the first rows of in-distribution text, within the trained window: read as prompts, or token by token. */
async function nats(name: string, window: number, weights: WeightFormat, byToken: boolean): Promise<number> {
  const rows = JSON.parse(readFileSync(sharedData(`text/tinystories-rows-${name}.json`) as string, 'utf8')) as number[][];
  const checkpoint = await openCheckpoint(sharedData(`checkpoints/${name}`) as string);
  const decoder = await Decoder.open(checkpoint, { weights, cacheDirectory: null, threads: 1 });
  const vocab = decoder.config.vocabSize;
  let sum = 0;
  for (const row of rows.slice(0, ROWS)) {
    const context = decoder.newContext(full(), window);
    const all = byToken ? undefined : (await context.prefill(row.slice(0, window), { logits: 'all' })).logits;
    for (let i = 0; i + 1 < window; i++) {
      const logits = all ? all.subarray(i * vocab, (i + 1) * vocab) : await context.decode(row[i] as number);
      sum += negativeLogLikelihood(logits, row[i + 1] as number);
    }
  }
  await decoder.close();
  await checkpoint.close();
  return sum / (ROWS * (window - 1));
}

const missing = MODELS.some(([name]) => !sharedData(`checkpoints/${name}`) || !sharedData(`text/tinystories-rows-${name}.json`));

describe.skipIf(missing).each(MODELS)('8-bit weights and rounded rows change the perplexity of %s by less than 1%%', (name, window) => {
  it.each([['prompts', false], ['tokens', true]] as const)('of %s', async (_what, byToken) => {
    const exact = await nats(name, window, 'f32', byToken);
    const rounded = await nats(name, window, '8bit', byToken);
    expect(Math.abs(Math.exp(rounded - exact) - 1)).toBeLessThan(0.01);
  });
});
