import { describe, expect, it } from 'vitest';
import {
  anchors,
  Decoder,
  full,
  intervalAnchors,
  lambda,
  openCheckpoint,
  type AttentionPolicy,
  type WeightFormat,
} from '../../../../src/engine';
import { FAMILIES, fixture } from '../../../fixtures';
import { largestGap, randomTokens } from '../../tiny';

const TOKENS = 40;
const PROMPT = 9;

/** Logits of the tokens after the prompt, read one by one. */
async function decoded(
  family: string,
  weights: WeightFormat,
  policy: () => AttentionPolicy,
  kernels: boolean,
  threads = 1,
): Promise<Float32Array[]> {
  const checkpoint = await openCheckpoint(fixture(`checkpoints/${family}`));
  const decoder = await Decoder.open(checkpoint, { weights, cacheDirectory: null, threads, kernels });
  await checkpoint.close();
  const tokens = randomTokens(TOKENS, decoder.config.vocabSize, 7);
  const context = decoder.newContext(policy(), TOKENS);
  await context.prefill(tokens.slice(0, PROMPT));
  const rows: Float32Array[] = [];
  for (const token of tokens.slice(PROMPT)) rows.push(await context.decode(token));
  await decoder.close();
  return rows;
}

/** Root mean square of the differences, relative to that of the logits. */
function relativeGap(ours: readonly Float32Array[], graph: readonly Float32Array[]): number {
  expect(ours.length).toBe(graph.length);
  let [differences, squares] = [0, 0];
  graph.forEach((row, r) =>
    row.forEach((x, i) => {
      differences += ((ours[r]?.[i] ?? NaN) - x) ** 2;
      squares += x * x;
    }),
  );
  return Math.sqrt(differences / squares);
}

describe.each(['8bit', '4bit'] as const)('tokens through the kernels, %s', (weights) => {
  it.each(FAMILIES)('agree with the graph: %s', async (family) => {
    const [ours, graph] = [await decoded(family, weights, full, true), await decoded(family, weights, full, false)];
    // The kernels read cached rows and activations as bytes. Other tests compare each kernel with its formula.
    expect(relativeGap(ours, graph)).toBeLessThan(0.05);
  });
});

describe('logits after a prompt', () => {
  it.each(['8bit', '4bit'] as const)(
    'come from the kernels for the last row and from the graph for all rows, and agree (%s)',
    async (weights) => {
      const checkpoint = await openCheckpoint(fixture('checkpoints/qwen3'));
      const read = async (kernels: boolean, logits: 'last' | 'all') => {
        const decoder = await Decoder.open(checkpoint, {
          weights,
          cacheDirectory: null,
          threads: 1,
          kernels,
          chunkTokens: 4,
        });
        const made = await decoder
          .newContext(full(), TOKENS)
          .prefill(randomTokens(PROMPT, decoder.config.vocabSize, 5), { logits });
        const { vocabSize } = decoder.config;
        await decoder.close();
        return made.logits.slice(-vocabSize);
      };
      const [own, all, graph] = [await read(true, 'last'), await read(true, 'all'), await read(false, 'last')];
      await checkpoint.close();
      expect(largestGap([all], [graph])).toBeLessThan(1e-5);
      expect(relativeGap([own], [graph])).toBeLessThan(0.01);
    },
  );
});

describe('under every policy the kernels agree with the graph', () => {
  const policies: [string, () => AttentionPolicy][] = [
    ['Λ', () => lambda({ sinks: 2, window: 8 })],
    ['Λ without ceiling', () => lambda({ sinks: 2, window: 8, ceiling: Infinity })],
    ['anchors', () => anchors({ isAnchor: intervalAnchors(5) })],
  ];
  it.each(policies)('%s', async (_name, policy) => {
    const [ours, graph] = [
      await decoded('llama2', '8bit', policy, true),
      await decoded('llama2', '8bit', policy, false),
    ];
    expect(relativeGap(ours, graph)).toBeLessThan(0.05);
  });

  it('if rows are dropped, spliced and moved between tokens', async () => {
    const checkpoint = await openCheckpoint(fixture('checkpoints/llama2'));
    const results = [];
    for (const kernels of [true, false]) {
      const decoder = await Decoder.open(checkpoint, { weights: '8bit', cacheDirectory: null, threads: 1, kernels });
      const tokens = randomTokens(TOKENS, decoder.config.vocabSize, 11);
      const context = decoder.newContext(full(), 4 * TOKENS);
      await context.prefill(tokens);
      const rows = [await context.decode(1)];
      const kept = context.rowsAt(4, 20);
      context.dropPositions(4, 20);
      rows.push(await context.decode(2));
      const id = context.splice(kept, 4, 'kept');
      rows.push(await context.decode(3));
      context.move(id, 2);
      rows.push(await context.decode(4));
      await context.prefill(tokens.slice(0, 5));
      rows.push(await context.decode(5));
      results.push(rows);
      await decoder.close();
    }
    await checkpoint.close();
    expect(relativeGap(results[0] as Float32Array[], results[1] as Float32Array[])).toBeLessThan(0.05);
  });

  it('with bit-identical results for any number of threads', async () => {
    const [one, three] = [
      await decoded('llama2', '8bit', full, true, 1),
      await decoded('llama2', '8bit', full, true, 3),
    ];
    expect(largestGap(one, three)).toBe(0);
  });
});
