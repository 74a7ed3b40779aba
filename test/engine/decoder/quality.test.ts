import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Decoder, full, openCheckpoint, type WeightFormat } from '../../../src/engine';
import { sharedData } from '../../shared-data';

const MODELS = [['stories260K', 512], ['babyllama-char', 256]] as const;

/** Mean nats over the first rows of in-distribution text, within the trained window. */
async function nats(name: string, window: number, weights: WeightFormat): Promise<number> {
  const rows = JSON.parse(readFileSync(sharedData(`text/tinystories-rows-${name}.json`) as string, 'utf8')) as number[][];
  const checkpoint = await openCheckpoint(sharedData(`checkpoints/${name}`) as string);
  const decoder = await Decoder.open(checkpoint, { weights, cacheDirectory: null, threads: 1 });
  const vocab = decoder.config.vocabSize;
  let sum = 0;
  let count = 0;
  for (const row of rows.slice(0, 4)) {
    const { logits } = await decoder.newContext(full(), window).prefill(row.slice(0, window), { logits: 'all' });
    for (let i = 0; i + 1 < window; i++) {
      const own = logits.subarray(i * vocab, (i + 1) * vocab);
      const most = own.reduce((a, b) => Math.max(a, b));
      sum += Math.log(own.reduce((a, b) => a + Math.exp(b - most), 0)) + most - (own[row[i + 1] as number] as number);
      count++;
    }
  }
  await decoder.close();
  await checkpoint.close();
  return sum / count;
}

const missing = MODELS.some(([name]) => !sharedData(`checkpoints/${name}`) || !sharedData(`text/tinystories-rows-${name}.json`));

it.skipIf(missing).each(MODELS)('8-bit weights and an f16 cache change the perplexity of %s by less than 1%%', async (name, window) => {
  const exact = await nats(name, window, 'f32');
  const rounded = await nats(name, window, '8bit');
  expect(Math.abs(Math.exp(rounded - exact) - 1)).toBeLessThan(0.01);
});
