import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  Decoder,
  full,
  negativeLogLikelihood,
  openCheckpoint,
  Tokenizer,
  type WeightFormat,
} from '../../../src/engine';
import { sharedData } from '../../shared-data';

const MODELS = [
  ['stories260K', 512],
  ['babyllama-char', 256],
] as const;

const ROWS = 4;

/** Mean negative log-likelihood (nats) of the rows' tokens, as prompts or token by token. Closes the decoder. */
async function natsOf(decoder: Decoder, rows: readonly number[][], byToken: boolean): Promise<number> {
  const vocab = decoder.config.vocabSize;
  let [sum, count] = [0, 0];
  for (const row of rows) {
    const context = decoder.newContext(full(), row.length);
    const all = byToken ? undefined : (await context.prefill(row, { logits: 'all' })).logits;
    for (let i = 0; i + 1 < row.length; i++, count++) {
      const logits = all ? all.subarray(i * vocab, (i + 1) * vocab) : await context.decode(row[i] as number);
      sum += negativeLogLikelihood(logits, row[i + 1] as number);
    }
  }
  await decoder.close();
  return sum / count;
}

/** Like `natsOf`, for the first rows of in-distribution text, within the trained window. */
async function nats(name: string, window: number, weights: WeightFormat, byToken: boolean): Promise<number> {
  const rows = JSON.parse(
    readFileSync(sharedData(`text/tinystories-rows-${name}.json`) as string, 'utf8'),
  ) as number[][];
  const checkpoint = await openCheckpoint(sharedData(`checkpoints/${name}`) as string);
  const decoder = await Decoder.open(checkpoint, { weights, cacheDirectory: null, threads: 1 });
  await checkpoint.close();
  return natsOf(
    decoder,
    rows.slice(0, ROWS).map((row) => row.slice(0, window)),
    byToken,
  );
}

const missing = MODELS.some(
  ([name]) => !sharedData(`checkpoints/${name}`) || !sharedData(`text/tinystories-rows-${name}.json`),
);

describe.skipIf(missing).each(MODELS)(
  '8-bit weights and rounded rows change the perplexity of %s by less than 1%%',
  (name, window) => {
    it.each([
      ['prompts', false],
      ['tokens', true],
    ] as const)('of %s', async (_what, byToken) => {
      const exact = await nats(name, window, 'f32', byToken);
      const rounded = await nats(name, window, '8bit', byToken);
      expect(Math.abs(Math.exp(rounded - exact) - 1)).toBeLessThan(0.01);
    });
  },
);

const BUNDLED = join(import.meta.dirname, '../../../models/anchorage-8m');

/** The bundled model reads the first tokens of these files. Several are used, because the loss varies between files. */
const FILES = ['compiled.ts', 'decoder.ts', 'segment-encoder.ts', 'quantize.ts'];
const FILE_TOKENS = 150;

describe('4-bit weights change the perplexity of the bundled model by less than 5%', () => {
  it('of prompts and of tokens', async () => {
    const checkpoint = await openCheckpoint(BUNDLED);
    const tokenizer = await Tokenizer.open(BUNDLED, checkpoint.config.vocabSize);
    const rows = FILES.map((file) =>
      tokenizer
        .encode(readFileSync(join(import.meta.dirname, '../../../src/engine/decoder', file), 'utf8'))
        .slice(0, FILE_TOKENS),
    );
    const read = async (weights: WeightFormat, byToken: boolean) =>
      natsOf(await Decoder.open(checkpoint, { weights, cacheDirectory: null, threads: 1 }), rows, byToken);
    const exact = await read('f32', false);
    for (const byToken of [false, true]) expect(Math.exp((await read('4bit', byToken)) - exact) - 1).toBeLessThan(0.05);
    await checkpoint.close();
  }, 120_000);
});
