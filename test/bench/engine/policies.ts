import { anchors, Decoder, full, intervalAnchors, lambda, type AttentionPolicy } from '../../../src/engine';
import { benchCache, decodeTime, fill, median, round, table, tokensOf } from './measure';
import { bundledShape, randomCheckpoint, smolLM2 } from './random';

const WINDOW = 2048;
const SINKS = 16;
const LONG = 32_768;

interface Measured {
  time: number;
  bytes: number;
}

/** Compares Λ and anchors with full attention, and Λ at the millionth token with Λ at an early one. */
export async function policySpeed(threads: number): Promise<void> {
  const decoder = await Decoder.open(randomCheckpoint(smolLM2), {
    weights: '8bit',
    threads,
    cacheDirectory: benchCache('compiled'),
  });
  const fullContext = decoder.newContext(full(), LONG + 64);
  fill(decoder, fullContext, LONG);
  const fullTime = await decodeTime(fullContext, threads, 8);

  const lambdaAt = async (position: number) => {
    const context = decoder.newContext(lambda({ sinks: SINKS, window: WINDOW }), WINDOW + SINKS + 64);
    await context.prefill(tokensOf(SINKS, smolLM2.vocabSize), { logits: 'none' });
    context.skipTo(position - WINDOW);
    await context.prefill(tokensOf(WINDOW, smolLM2.vocabSize), { logits: 'none' });
    return context;
  };
  const contexts = [await lambdaAt(8192), await lambdaAt(1_000_000)] as const;
  // The two take turns, so that other load on the machine affects both equally.
  const times: [number[], number[]] = [[], []];
  for (let turn = 0; turn < 12; turn++)
    for (const i of [0, 1] as const) times[i].push(await decodeTime(contexts[i], threads, 5));
  const [early, late] = [0, 1].map((i) => ({
    time: median(times[i as 0 | 1]),
    bytes: contexts[i as 0 | 1].ledger().allocatedBytes,
  })) as [Measured, Measured];
  table(`Λ (window ${WINDOW}, ${SINKS} sinks), decoding`, [
    {
      what: `full attention at ${LONG} rows`,
      'ms a token': round(fullTime),
      'cache MB': round(fullContext.ledger().allocatedBytes / 1e6),
      ratio: 1,
    },
    {
      what: 'Λ at position 8,192',
      'ms a token': round(early.time),
      'cache MB': round(early.bytes / 1e6),
      ratio: round(fullTime / early.time, 2),
    },
    {
      what: 'Λ at position 1,000,000',
      'ms a token': round(late.time),
      'cache MB': round(late.bytes / 1e6),
      ratio: round(fullTime / late.time, 2),
    },
  ]);
  console.log(
    `1M beside 8k: ${round((early.time / late.time) * 100)}% of the tokens/s; the cache is ${early.bytes === late.bytes ? 'the same' : 'NOT the same'} size`,
  );

  const shots = 128;
  const anchored: AttentionPolicy = anchors({ isAnchor: intervalAnchors(LONG / shots) });
  const context = decoder.newContext(anchored, LONG);
  fill(decoder, context, shots);
  context.skipTo(LONG);
  const anchorTime = await decodeTime(context, threads, 16);
  table(`Anchors: ${shots} demonstrations of ${LONG / shots} tokens, one anchor each`, [
    { what: 'full attention', rows: LONG, 'ms a token': round(fullTime), ratio: 1 },
    { what: 'anchors only', rows: shots, 'ms a token': round(anchorTime), ratio: round(fullTime / anchorTime, 2) },
  ]);
  console.log(`${round((1 - shots / LONG) * 100, 2)}% fewer rows`);
  await decoder.close();
}

/** Measures the encoding of segments on the bundled model's shape. */
export async function segmentSpeed(threads: number): Promise<void> {
  const rows: Record<string, string | number>[] = [];
  for (const weights of ['f32', '8bit', '4bit'] as const) {
    const decoder = await Decoder.open(randomCheckpoint(bundledShape), {
      weights,
      cache: 'float16',
      threads,
      cacheDirectory: benchCache('compiled'),
    });
    const sinks = decoder.newContext(full(), 8);
    await sinks.prefill([1, 2, 3, 4], { logits: 'none' });
    const prefix = sinks.rowsAt(0, 4);
    const segments = Array.from({ length: 96 }, (_, i) => {
      const tokens = tokensOf(96 + (i % 64), bundledShape.vocabSize, i * 100);
      return { tokens, keep: tokens.map((_token, t) => t).filter((t) => t % 32 === 31) };
    });
    const total = segments.reduce((sum, segment) => sum + segment.tokens.length, 0);
    const policy = anchors({ sinks: 4, isAnchor: intervalAnchors(32) });
    await decoder.encodeSegments(segments.slice(0, 16), { prefix, policy });
    const start = performance.now();
    const cpu = process.cpuUsage();
    await decoder.encodeSegments(segments, { prefix, policy });
    const used = process.cpuUsage(cpu);
    const seconds = (performance.now() - start) / 1000;
    rows.push({
      weights,
      threads,
      segments: segments.length,
      tokens: total,
      'tokens/s': round(total / seconds, 0),
      'tokens per processor second': round((total / (used.user + used.system)) * 1e6, 0),
    });
    await decoder.close();
  }
  table('Segments after four sinks, to anchor rows (bundled shape)', rows);
}

/** Measures the first opening of a model (with compilation) and later ones. */
export async function opening(): Promise<void> {
  const rows: Record<string, string | number>[] = [];
  for (const weights of ['8bit', '4bit'] as const) {
    const checkpoint = randomCheckpoint(smolLM2, Date.now());
    const open = async (what: string) => {
      const start = performance.now();
      const cpu = process.cpuUsage();
      const decoder = await Decoder.open(checkpoint, { weights, cacheDirectory: benchCache('compiled-once') });
      const context = decoder.newContext(full(), 64);
      await context.prefill([1, 2, 3]);
      await context.decode(4);
      const used = process.cpuUsage(cpu);
      rows.push({
        weights,
        what,
        seconds: round((performance.now() - start) / 1000, 2),
        'processor seconds': round((used.user + used.system) / 1e6, 2),
        'compiled MB': round(decoder.compiled.byteLength / 1e6, 0),
      });
      await decoder.close();
    };
    await open('first time, with prompt and token (making random numbers included)');
    await open('compiled, with prompt and token');
  }
  table('Opening 135M parameters', rows);
}
