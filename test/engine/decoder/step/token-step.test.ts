import { describe, expect, it } from 'vitest';
import { anchors, Decoder, full, intervalAnchors, lambda, openCheckpoint, type AttentionPolicy, type WeightFormat } from '../../../../src/engine';
import { FAMILIES, fixture } from '../../../fixtures';
import { largestGap, randomTokens } from '../../tiny';

const TOKENS = 40;
const PROMPT = 9;

/** Logits of the tokens behind the prompt, read one by one. */
async function decoded(family: string, weights: WeightFormat, policy: () => AttentionPolicy, kernels: boolean, threads = 1): Promise<Float32Array[]> {
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

const spread = (rows: readonly Float32Array[]) => Math.max(...rows.map((row) => row.reduce((most, x) => Math.max(most, Math.abs(x)), 0)));

describe.each(['8bit', '4bit'] as const)('tokens through the kernels, %s', (weights) => {
  it.each(FAMILIES)('agree with the graph: %s', async (family) => {
    const [ours, graph] = [await decoded(family, weights, full, true), await decoded(family, weights, full, false)];
    // An activation that lies between two bytes may be rounded either way; nothing else differs.
    expect(largestGap(ours, graph) / spread(graph)).toBeLessThan(0.03);
  });
});

describe('under every policy the kernels agree with the graph', () => {
  const policies: [string, () => AttentionPolicy][] = [
    ['Λ', () => lambda({ sinks: 2, window: 8 })],
    ['Λ without ceiling', () => lambda({ sinks: 2, window: 8, ceiling: Infinity })],
    ['Λ with middle rows', () => lambda({ sinks: 2, window: 8, middle: { k: 2, fromLayer: 1 } })],
    ['anchors', () => anchors({ isAnchor: intervalAnchors(5) })],
  ];
  it.each(policies)('%s', async (_name, policy) => {
    const [ours, graph] = [await decoded('llama2', '8bit', policy, true), await decoded('llama2', '8bit', policy, false)];
    expect(largestGap(ours, graph) / spread(graph)).toBeLessThan(0.03);
  });

  it('and threads change nothing at all', async () => {
    const [one, three] = [await decoded('llama2', '8bit', full, true, 1), await decoded('llama2', '8bit', full, true, 3)];
    expect(largestGap(one, three)).toBe(0);
  });
});
