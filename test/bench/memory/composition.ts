import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  Decoder,
  full,
  KvRows,
  memories,
  openCheckpoint,
  ropeFrequencies,
  type DecoderContext,
  type EncodedSegment,
} from '../../../src/engine';
import { decodeHalf } from '../../../src/engine/kv-cache/float16';
import { Tokenizer } from '../../../src/engine/tokenizer/tokenizer';
import { negativeLogLikelihood } from '../../../src/engine/generate/perplexity';
import { KeptRows } from '../../../src/inference/kept-rows';
import { QuotedPrompts } from '../../../src/inference/quoted-prompt';
import { benchCache, median, round, table } from '../engine/measure';
import { randomCheckpoint, smolLM2 } from '../engine/random';
import { expectedAttention, repeatedReading } from './row-scores';
import { interval, mean } from './statistics';

const SEGMENTS = 3;
const SEGMENT_TOKENS = 96;
const FOLLOWING = 48;
const SINKS = 4;
const PIECE = SINKS + SEGMENTS * SEGMENT_TOKENS + FOLLOWING;
/** Tokens at the beginning of each segment that are read in place instead of spliced. */
const HEADS = [0, 8, 24, 48];
const EVERY = 8;
const FEW_ROWS = /^read afresh|^left out|a row in 8$|KVzip|Expected Attention/;

/** A segment, and the queries of its tokens when it is read again behind itself. */
interface Encoded extends EncodedSegment {
  again: Float32Array;
}

/** Which rows of a segment are spliced. */
interface Kept {
  rows: (tokens: readonly number[], encoded: Encoded) => number[];
  /** True: the rows take consecutive positions. False: each keeps its own. */
  close?: boolean;
}

/**
 * Compares composition without training against reading the same tokens afresh. Segments are encoded alone after the
 * sinks and spliced one after the other, with keys rotated to their places. The measure is the likelihood of the
 * following text. Arms: several lengths of a recomputed head; anchor rows by interval, by salience and at the ends of
 * lines and sentences, at their own or at consecutive positions; no segments. The bundled model's decoder serves as a
 * checkpoint without memories. The savings in time use random weights of SmolLM2-135M's shape.
 */
export async function composition(
  shared: string,
  directory: string | undefined,
  bundled: string,
  texts: readonly { text: string }[],
  rows: number,
): Promise<void> {
  const checkpoints =
    directory === undefined
      ? ['stories260K', 'babyllama-char'].map((name) => join(shared, 'checkpoints', name))
      : [directory];
  for (const path of checkpoints.filter((each) => existsSync(each))) {
    const tokenFile = join(shared, 'text', `tinystories-rows-${basename(path)}.json`);
    if (existsSync(tokenFile))
      await losses(
        path,
        (JSON.parse(readFileSync(tokenFile, 'utf8')) as number[][]).flatMap((row) => pieces(row)).slice(0, rows),
      );
    else if (directory !== undefined) await losses(path, texts, rows);
  }
  const tokenizer = await Tokenizer.open(bundled, Infinity);
  const { anchorage } = JSON.parse(readFileSync(join(bundled, 'config.json'), 'utf8')) as {
    anchorage?: { sink_token_ids?: number[] };
  };
  const sinks = (anchorage?.sink_token_ids ?? []).slice(0, SINKS);
  const code = texts.slice(0, rows).flatMap(({ text }) => {
    const tokens = tokenizer.encode(text.slice(0, 4 * PIECE), { addSpecialTokens: false });
    return tokens.length >= PIECE ? [[...sinks, ...tokens].slice(0, PIECE)] : [];
  });
  if (directory !== undefined) return;
  if (sinks.length === SINKS) await losses(bundled, code);
  await times();
}

/** @param given rows of tokens; or texts, if the checkpoint has a tokenizer. A file runs with the product's weights. */
async function losses(
  path: string,
  given: readonly number[][] | readonly { text: string }[],
  most = Infinity,
): Promise<void> {
  const checkpoint = await openCheckpoint(path);
  // The small public checkpoints have no tokenizer, so the ends of their lines are unknown.
  const tokenizer =
    existsSync(join(path, 'tokenizer.json')) || path.endsWith('.gguf') ? await checkpoint.openTokenizer() : undefined;
  const isReal = path.endsWith('.gguf');
  const decoder = await Decoder.open(
    checkpoint,
    isReal
      ? { cacheDirectory: benchCache('compiled'), threads: 1 }
      : { weights: 'f32', cacheDirectory: null, threads: 1 },
  );
  await checkpoint.close();
  const texts = given
    .flatMap((each) =>
      'text' in each ? pieces(tokenizer?.encode(each.text.slice(0, 4 * PIECE)) ?? []).slice(0, 1) : [each],
    )
    .slice(0, most);
  const heads = {
    queryHeads: decoder.config.queryHeads,
    rope: ropeFrequencies(decoder.config.rope, decoder.config.rope.originalMaxPositions),
  };
  const interval8: Kept['rows'] = (tokens) => tokens.map((_, i) => i).filter((i) => i % EVERY === EVERY - 1);
  const separators = (tokens: readonly number[]): number[] =>
    tokens.flatMap((token, i) =>
      i === tokens.length - 1 || /[.!?;{}\n]\s*$/.test(tokenizer?.decode([token]) ?? '') ? [i] : [],
    );
  const encodings = new Map<readonly number[], Promise<Encoded[]>>();
  const after = (head: number): Kept => ({ rows: (tokens) => tokens.map((_, i) => i).filter((i) => i >= head) });
  const composed =
    (kept: Kept, head = 0) =>
    (text: number[]): Promise<number> =>
      following(decoder, text, (context, past) => {
        const encoded = encodings.get(text) ?? encodedSegments(decoder, past);
        encodings.set(text, encoded);
        return spliced(context, past, encoded, kept, head);
      });
  const all: Record<string, (text: number[]) => Promise<number>> = {
    'read afresh': (text) =>
      following(decoder, text, async (context, past) => void (await context.prefill(past, { logits: 'none' }))),
    ...Object.fromEntries(HEADS.map((head) => [`spliced, heads of ${head} read`, composed(after(head), head)])),
    [`anchors: a row in ${EVERY}`]: composed({ rows: interval8 }),
    [`anchors: a row in ${EVERY}, consecutive positions`]: composed({ rows: interval8, close: true }),
    'anchors: the eighth that draws most attention': composed({ rows: (_, encoded) => eighth(drawn(encoded)) }),
    'anchors: the eighth by KVzip': composed({
      rows: (_, { rows, again: queries }) => eighth(repeatedReading({ rows, queries, ...heads })),
    }),
    'anchors: the eighth by Expected Attention': composed({
      rows: (_, { rows, eachQuery: queries }) =>
        eighth(expectedAttention({ rows, queries: queries as Float32Array, ...heads })),
    }),
    'anchors: the eighth with the shortest keys': composed({ rows: (_, encoded) => eighth(shortness(encoded)) }),
    ...(tokenizer
      ? {
          'anchors: ends of lines and sentences': composed({ rows: separators }),
          'anchors: ends, consecutive positions': composed({ rows: separators, close: true }),
        }
      : {}),
    'left out': (text) =>
      following(
        decoder,
        text,
        async (context, past) => void (await context.prefill(past.slice(0, SINKS), { logits: 'none' })),
      ),
  };
  // Real checkpoints are asked what stands for a text in few rows; the other arms take long.
  const arms = isReal ? Object.fromEntries(Object.entries(all).filter(([arm]) => FEW_ROWS.test(arm))) : all;
  const nll: Record<string, number[]> = {};
  for (const text of texts) {
    for (const [arm, measure] of Object.entries(arms)) (nll[arm] ??= []).push(await measure(text));
    encodings.delete(text);
    process.stderr.write(
      `${basename(path)}: ${JSON.stringify(Object.entries(nll).map(([, all]) => round(all.at(-1) ?? 0, 3)))}\n`,
    );
  }
  await decoder.close();
  const afresh = nll['read afresh'] ?? [];
  const ends = mean(texts.flatMap((text) => segmentsOf(text).map((tokens) => separators(tokens).length)));
  table(
    `Training-free composition, ${basename(path)}: ${texts.length} texts of ${SEGMENTS} × ${SEGMENT_TOKENS} tokens, NLL of the ${FOLLOWING} that follow${tokenizer ? `; ${round(SEGMENT_TOKENS / ends)} tokens to an end` : ''}`,
    Object.entries(nll).map(([arm, values]) => {
      const [low, high] = interval(values.map((value, i) => value - (afresh[i] as number)));
      return {
        arm,
        nll: round(mean(values), 4),
        'perplexity × of afresh': round(Math.exp(mean(values) - mean(afresh)), 3),
        'minus afresh (95%)': arm === 'read afresh' ? '' : `${low.toFixed(4)} … ${high.toFixed(4)}`,
      };
    }),
  );
}

function pieces(row: readonly number[]): number[][] {
  return Array.from({ length: Math.floor(row.length / PIECE) }, (_, i) => row.slice(i * PIECE, (i + 1) * PIECE));
}

function segmentsOf(text: readonly number[]): number[][] {
  return Array.from({ length: SEGMENTS }, (_, i) =>
    text.slice(SINKS + i * SEGMENT_TOKENS, SINKS + (i + 1) * SEGMENT_TOKENS),
  );
}

async function following(
  decoder: Decoder,
  text: readonly number[],
  read: (context: DecoderContext, past: number[]) => Promise<void>,
): Promise<number> {
  const context = decoder.newContext(memories({ sinks: SINKS }), PIECE);
  const past = text.slice(0, PIECE - FOLLOWING);
  await read(context, past);
  const next = text.slice(PIECE - FOLLOWING);
  const { logits } = await context.prefill(next, { logits: 'all' });
  const { vocabSize } = decoder.config;
  return mean(
    next.slice(1).map((token, i) => negativeLogLikelihood(logits.subarray(i * vocabSize, (i + 1) * vocabSize), token)),
  );
}

/**
 * Returns the salience of each row of a segment: the attention that its key draws from the segment's own mean query,
 * over all heads.
 */
function drawn({ rows, eachQuery }: EncodedSegment): number[] {
  const { layers, kvHeads, headDim } = rows.shape;
  const keys = decodeHalf(rows.as('float16').keys as Uint16Array);
  const queries = eachQuery as Float32Array;
  const heads = queries.length / (rows.rows * headDim);
  const logShares = new Array<number>(rows.rows).fill(0);
  for (let head = 0; head < heads; head++) {
    const kv = Math.floor((head * layers * kvHeads) / heads);
    const query = meanRow(queries.subarray(head * rows.rows * headDim, (head + 1) * rows.rows * headDim), headDim);
    const weights = logShares.map((_, row) =>
      Math.exp(
        query.reduce((sum, value, d) => sum + value * (keys[(kv * rows.rows + row) * headDim + d] as number), 0) /
          Math.sqrt(headDim),
      ),
    );
    const all = weights.reduce((sum, weight) => sum + weight, 0);
    weights.forEach((weight, row) => (logShares[row] = (logShares[row] as number) + Math.log(weight / all) / heads));
  }
  return logShares;
}

/** Mean of rows of `width` numbers. */
function meanRow(rows: Float32Array, width: number): Float32Array {
  const sum = new Float32Array(width);
  rows.forEach((value, i) => (sum[i % width] = (sum[i % width] as number) + (value * width) / rows.length));
  return sum;
}

/**
 * Returns the shortness of each key. Shorter keys draw more attention (Devoto et al., EMNLP 2024, "A simple and
 * effective L2 norm-based strategy for KV cache compression").
 */
function shortness({ rows }: EncodedSegment): number[] {
  const { layers, kvHeads, headDim } = rows.shape;
  const keys = decodeHalf(rows.as('float16').keys as Uint16Array);
  const lengths = new Array<number>(rows.rows).fill(0);
  for (let head = 0; head < layers * kvHeads; head++) {
    for (let row = 0; row < rows.rows; row++) {
      const from = (head * rows.rows + row) * headDim;
      lengths[row] =
        (lengths[row] as number) -
        Math.sqrt(keys.subarray(from, from + headDim).reduce((sum, value) => sum + value * value, 0));
    }
  }
  return lengths;
}

/** Returns the best eighth of a segment's rows, in order. */
const eighth = (scores: readonly number[]): number[] =>
  scores
    .map((_, i) => i)
    .sort((a, b) => (scores[b] as number) - (scores[a] as number))
    .slice(0, Math.floor(scores.length / EVERY))
    .sort((a, b) => a - b);

/** The segments behind the sinks, each read alone, and again behind itself. */
async function encodedSegments(decoder: Decoder, past: readonly number[]): Promise<Encoded[]> {
  const prefixed = decoder.newContext(full(), SINKS);
  await prefixed.prefill(past.slice(0, SINKS), { logits: 'none' });
  const prefix: KvRows = prefixed.rowsAt(0, SINKS);
  const found: Encoded[] = [];
  for (const tokens of segmentsOf(past)) {
    const all = { tokens, keep: tokens.map((_, i) => i), eachQuery: true };
    const [encoded] = await decoder.encodeSegments([all], { prefix });
    if (!encoded) throw new Error('a segment was not encoded');
    const [second] = await decoder.encodeSegments([{ tokens, keep: [], eachQuery: true }], { prefix: encoded.rows });
    found.push({ ...encoded, again: second?.eachQuery as Float32Array });
  }
  return found;
}

/** Reads the sinks, then reads the head of each segment in place and splices its kept rows. */
async function spliced(
  context: DecoderContext,
  past: readonly number[],
  encodings: Promise<Encoded[]>,
  kept: Kept,
  head: number,
): Promise<void> {
  await context.prefill(past.slice(0, SINKS), { logits: 'none' });
  for (const [i, encoded] of (await encodings).entries()) {
    const tokens = segmentsOf(past)[i] as number[];
    const keep = kept.rows(tokens, encoded);
    const start = context.position;
    if (head > 0) await context.prefill(tokens.slice(0, head), { logits: 'none' });
    if (keep.length === 0) continue;
    const picked = encoded.rows.pick(keep);
    context.splice(
      kept.close ? new KvRows({ ...picked, positions: Int32Array.from(keep, (_, i) => i) }) : picked,
      start,
      'segment',
    );
  }
}

const QUOTES = 8;
const QUOTE_TOKENS = 256;
const TIMES = 5;

/** Measures the product's own reading of a prompt with quotes. A token is a word. */
async function times(): Promise<void> {
  const decoder = await Decoder.open(randomCheckpoint(smolLM2), {
    weights: '4bit',
    cacheDirectory: benchCache('compiled'),
    threads: 2,
  });
  const tokenizer = {
    encode: (text: string) =>
      [...text.matchAll(/\S+/g)].map(
        ([word]) =>
          ([...word].reduce((sum, character) => Math.imul(sum, 31) + character.charCodeAt(0), 7) >>> 0) %
          smolLM2.vocabSize,
      ),
  } as unknown as Tokenizer;
  const words = (seed: string): string => Array.from({ length: QUOTE_TOKENS }, (_, i) => `${seed}${i}`).join(' ');
  const found: Record<string, number[]> = {
    'read afresh': [],
    'quotes read separately': [],
    'quotes remembered': [],
  };
  const { layers, kvHeads, headDim } = smolLM2;
  const kept = await KeptRows.open({ model: 'random', shape: { layers, kvHeads, headDim, type: decoder.cache } });
  const prompts = new QuotedPrompts(decoder, tokenizer, kept);
  for (let turn = 0; turn < TIMES; turn++) {
    const quotes = Array.from({ length: QUOTES }, (_, i) => words(`${turn}q${i}w`));
    const prompt = `You answer questions about the files below .\n${quotes.map((quote, i) => `[${i + 1}] file ${i}\n${quote}\n`).join('\n')}\nQuestion: which of them ?`;
    let started = performance.now();
    const context = decoder.newContext(full(), 4_096);
    await context.prefill(tokenizer.encode(prompt));
    found['read afresh']?.push(performance.now() - started);
    for (const arm of ['quotes read separately', 'quotes remembered']) {
      started = performance.now();
      const read = await prompts.read(prompt, quotes, { specialTokens: false, maxNewTokens: 16, mostRows: 8_192 });
      await read?.context.prefill(read.tail);
      found[arm]?.push(performance.now() - started);
    }
  }
  await decoder.close();
  const afresh = median(found['read afresh'] as number[]);
  table(
    `First token of a prompt with ${QUOTES} quotes of ${QUOTE_TOKENS} tokens, SmolLM2-135M's shape at 4 bits, 2 threads`,
    Object.entries(found).map(([arm, all]) => ({
      arm,
      ms: round(median(all), 0),
      'times faster': round(afresh / median(all)),
    })),
  );
}
