import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Decoder,
  type DecoderContext,
  measurePerplexity,
  openCheckpoint,
  readingContext,
  readingPolicy,
} from '../../../src/engine';
import { largestGap, randomTokens, Tiny } from '../tiny';
import { sharedData } from '../../shared-data';

describe('a context for a text of a known length', () => {
  let tiny: Tiny;
  beforeAll(async () => {
    tiny = await Tiny.open('llama2', 64);
  });
  afterAll(() => tiny.decoder.close());

  it('has full attention up to the trained window', () => {
    const window = tiny.decoder.config.maxPositions;
    expect(readingContext(tiny.decoder, window).policy.name).toBe('full');
    expect(readingContext(tiny.decoder, window + 1).policy).toMatchObject({
      name: 'lambda with middle rows',
      ceiling: window,
      middle: { blocks: { rows: 32, count: 2 } },
    });
    expect(readingContext(tiny.decoder, window + 1, { lookBack: 'none' }).policy.name).toBe('lambda');
  });

  it('reads as full attention does while the text is within the window', async () => {
    const { decoder } = tiny;
    const tokens = randomTokens(100, decoder.config.vocabSize, 5);
    const [long, short] = [readingContext(decoder, decoder.config.maxPositions + 1), readingContext(decoder, 101)];
    const read = async (context: DecoderContext) => [(await context.prefill(tokens)).logits, await context.decode(7)];
    expect(largestGap(await read(long), await read(short))).toBeLessThan(1e-4);
  });

  it('takes texts of any length in constant memory', async () => {
    const { decoder } = tiny;
    const window = 64;
    const config = { ...decoder.config, maxPositions: window };
    const rowBytes = 1e9 / 200;
    const policy = readingPolicy(config, { tokens: 2_000, rowBytes });
    const context = decoder.newContext(policy, 800, { rope: tiny.rope });
    const tokens = randomTokens(2_000, config.vocabSize, 9);
    const rows: number[] = [];
    for (let from = 0; from < tokens.length; from += 250) {
      await context.prefill(tokens.slice(from, from + 250), { logits: 'none' });
      rows.push(context.ledger().rows);
    }
    expect(Math.max(...rows)).toBeLessThan(16 + window + 200 + 1);
    expect(Math.min(...rows.slice(2))).toBeGreaterThan(16 + window + 200 - 64);
  });
});

const stories = sharedData('checkpoints/stories260K');
it.skipIf(!stories)('reads stories260K far beyond its window as well as within it', async () => {
  const checkpoint = await openCheckpoint(stories as string);
  const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1 });
  await checkpoint.close();
  const file = sharedData('text/tinystories-rows-stories260K.json') as string;
  const [row = []] = JSON.parse(readFileSync(file, 'utf8')) as number[][];
  const policy = () => readingPolicy(decoder.config, { tokens: 3_000, rowBytes: decoder.rowBytes, lookBack: 'none' });
  const edges = [256, 512, 2_000, 3_000];
  const nll = async (options: object) =>
    (await measurePerplexity(decoder, [row.slice(0, 3_000)], { edges, ...options })).buckets.map((each) => each.nll);
  const [within = 0, , beyond = 0] = await nll({ policy });
  // The beginning of this row is easier than its end.
  expect(beyond).toBeLessThan(within + 0.4);
  expect((await nll({}))[2]).toBeGreaterThan(beyond + 1);
  await decoder.close();
});
