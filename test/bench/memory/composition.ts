import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Decoder, full, memories, openCheckpoint, type DecoderContext, type KvRows } from '../../../src/engine';
import { negativeLogLikelihood } from '../../../src/engine/generate/perplexity';
import { round, table } from '../engine/measure';
import { interval, mean } from './statistics';

const SEGMENTS = 3;
const SEGMENT_TOKENS = 96;
const FOLLOWING = 48;
const SINKS = 4;
/** Tokens at the beginning of each segment that are read in place instead of being spliced. */
const HEADS = [0, 8, 24, 48];
const EVERY = 8;

/**
 * A checkpoint that was not trained for it: segments encoded alone behind the sinks and spliced one after the other, keys moved to their places,
 * against reading the same tokens afresh. Likelihood of what follows, for several lengths of a recomputed head; for rows that are kept only
 * every so many tokens (anchors by interval); and without the segments at all.
 */
export async function composition(shared: string, directory: string | undefined, rows: number): Promise<void> {
  const checkpoints = directory === undefined ? ['stories260K', 'babyllama-char'].map((name) => join(shared, 'checkpoints', name)) : [directory];
  for (const path of checkpoints.filter((each) => existsSync(each))) {
    const tokenFile = join(shared, 'text', `tinystories-rows-${basename(path)}.json`);
    if (!existsSync(tokenFile)) continue;
    const texts = (JSON.parse(readFileSync(tokenFile, 'utf8')) as number[][]).flatMap((row) => pieces(row)).slice(0, rows);
    const checkpoint = await openCheckpoint(path);
    const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1 });
    await checkpoint.close();
    const arms: Record<string, (text: number[]) => Promise<number>> = {
      'read afresh': (text) => following(decoder, text, async (context, past) => void (await context.prefill(past, { logits: 'none' }))),
      ...Object.fromEntries(HEADS.map((head) => [`spliced, heads of ${head} read`, (text: number[]) => following(decoder, text, (context, past) => spliced(decoder, context, past, head))])),
      [`spliced, a row in ${EVERY}`]: (text) => following(decoder, text, (context, past) => spliced(decoder, context, past, 0, EVERY)),
      'left out': (text) => following(decoder, text, async (context, past) => void (await context.prefill(past.slice(0, SINKS), { logits: 'none' }))),
    };
    const nll: Record<string, number[]> = {};
    for (const text of texts) for (const [arm, measure] of Object.entries(arms)) (nll[arm] ??= []).push(await measure(text));
    await decoder.close();
    const afresh = nll['read afresh'] ?? [];
    table(`Training-free composition, ${basename(path)}: ${texts.length} texts of ${SEGMENTS} × ${SEGMENT_TOKENS} tokens, NLL of the ${FOLLOWING} that follow`, Object.entries(nll).map(([arm, values]) => {
      const [low, high] = interval(values.map((value, i) => value - (afresh[i] as number)));
      return { arm, nll: round(mean(values), 4), 'perplexity × of afresh': round(Math.exp(mean(values) - mean(afresh)), 3), 'minus afresh (95%)': arm === 'read afresh' ? '' : `${low.toFixed(4)} … ${high.toFixed(4)}` };
    }));
  }
}

const PIECE = SINKS + SEGMENTS * SEGMENT_TOKENS + FOLLOWING;

function pieces(row: readonly number[]): number[][] {
  return Array.from({ length: Math.floor(row.length / PIECE) }, (_, i) => row.slice(i * PIECE, (i + 1) * PIECE));
}

async function following(decoder: Decoder, text: readonly number[], read: (context: DecoderContext, past: number[]) => Promise<void>): Promise<number> {
  const context = decoder.newContext(memories({ sinks: SINKS }), PIECE);
  const past = text.slice(0, PIECE - FOLLOWING);
  await read(context, past);
  const next = text.slice(PIECE - FOLLOWING);
  const { logits } = await context.prefill(next, { logits: 'all' });
  const { vocabSize } = decoder.config;
  return mean(next.slice(1).map((token, i) => negativeLogLikelihood(logits.subarray(i * vocabSize, (i + 1) * vocabSize), token)));
}

/** Sinks are read; of each segment the head is read in place and the rest spliced, every `every`th row of it. */
async function spliced(decoder: Decoder, context: DecoderContext, past: readonly number[], head: number, every = 1): Promise<void> {
  const sinks = past.slice(0, SINKS);
  await context.prefill(sinks, { logits: 'none' });
  const prefixed = decoder.newContext(full(), SINKS);
  await prefixed.prefill(sinks, { logits: 'none' });
  const prefix: KvRows = prefixed.rowsAt(0, SINKS);
  for (let from = SINKS; from < past.length; from += SEGMENT_TOKENS) {
    const tokens = past.slice(from, from + SEGMENT_TOKENS);
    const keep = tokens.map((_, i) => i).filter((i) => i >= head && (every === 1 || i % every === every - 1));
    const [encoded] = await decoder.encodeSegments([{ tokens, keep }], { prefix });
    const start = context.position;
    if (head > 0) await context.prefill(tokens.slice(0, head), { logits: 'none' });
    if (encoded && keep.length > 0) context.splice(encoded.rows, start, 'segment');
  }
}
