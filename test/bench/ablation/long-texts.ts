/** LM-Infinite and DCIS: what is read beyond the trained window. */
import { readFileSync } from 'node:fs';
import {
  beyondWindow,
  calibrate,
  Decoder,
  full,
  openCheckpoint,
  readingContext,
  ropeFrequencies,
  withFactors,
  type DecoderContext,
} from '../../../src/engine';
import { argmax } from '../../../src/engine/generate/sampling';
import { sharedData } from '../../shared-data';
import type { Outcome } from './outcome';

const NAME = 'stories260K';
/** Text in windows; and rows of text that are evaluated. */
const TIMES = 2;
const ROWS = 2;

/**
 * Next tokens told right beyond the window of a small trained model, as the product reads: under Λ against full
 * attention, and with factors found by DCIS against Λ. Factors that Λ outdoes on another text are not used, as in the
 * product. Nothing without the shared data.
 */
export async function smallModel(): Promise<Outcome[]> {
  const [directory, file] = [sharedData(`checkpoints/${NAME}`), sharedData(`text/tinystories-rows-${NAME}.json`)];
  if (!directory || !file) return [];
  const checkpoint = await openCheckpoint(directory);
  const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1 });
  await checkpoint.close();
  const rows = JSON.parse(readFileSync(file, 'utf8')) as number[][];
  const { rope, maxPositions: window } = decoder.config;
  const length = TIMES * window;
  const { stored } = await calibrate(decoder, {
    factor: TIMES,
    text: (rows.at(-1) as number[]).slice(0, length),
    objective: 'perplexity',
  });
  const extended = withFactors(rope, stored.factors, stored.extension, stored.attentionFactor);
  const judged = await beyondWindow(decoder, stored, [(rows.at(-2) as number[]).slice(0, length)]);
  const isUsed = judged.factors <= judged.lambda;
  const found: Record<'lambda' | 'plain' | 'factors', number[]> = { lambda: [], plain: [], factors: [] };
  for (const row of rows.slice(0, ROWS)) {
    const tokens = row.slice(0, length);
    const whole = (frequencies: ReturnType<typeof ropeFrequencies>): DecoderContext =>
      decoder.newContext(full(), length, { rope: frequencies });
    const own = await told(readingContext(decoder, length), tokens, window);
    found.lambda.push(...own);
    found.plain.push(...(await told(whole(ropeFrequencies(rope, window)), tokens, window)));
    found.factors.push(...(isUsed ? await told(whole(ropeFrequencies(extended, length)), tokens, window) : own));
  }
  await decoder.close();
  const shown = 'next tokens right beyond the window';
  return [
    {
      system: 'LM-Infinite',
      removed: 'full attention beyond the window',
      shown,
      subject: NAME,
      with: found.lambda,
      without: found.plain,
    },
    {
      system: 'DCIS',
      removed: 'the model’s own frequencies, under Λ',
      shown,
      subject: `${NAME} at ${TIMES} windows`,
      with: found.factors,
      without: found.lambda,
    },
  ];
}

/** Whether each token beyond the window is the likeliest one. */
async function told(context: DecoderContext, tokens: readonly number[], window: number): Promise<number[]> {
  const { logits, rows } = await context.prefill(tokens, { logits: 'all' });
  const size = logits.length / rows;
  const found: number[] = [];
  for (let at = window; at + 1 < tokens.length; at++)
    found.push(argmax(logits.subarray(at * size, (at + 1) * size)) === tokens[at + 1] ? 1 : 0);
  return found;
}
