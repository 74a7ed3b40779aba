import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Decoder, full, openCheckpoint, type Checkpoint } from '../../src/engine';
import { FAMILIES, fixture, readFloats, readJsonFixture } from '../fixtures';

interface Reference {
  ids: number[];
  vocab: number;
  short?: number;
}

const CASES: readonly { name: string; base: string; adapters: string[] }[] = [
  ...FAMILIES.map((name) => ({ name, base: name, adapters: [] })),
  { name: 'llama2-longlora', base: 'llama2', adapters: ['llama2-longlora'] },
];

/** Largest difference between computed logits and those of PyTorch transformers. */
function largestDifference(ours: ArrayLike<number>, reference: Float32Array): number {
  expect(ours.length).toBe(reference.length);
  let largest = 0;
  for (let i = 0; i < reference.length; i++)
    largest = Math.max(largest, Math.abs((ours[i] as number) - (reference[i] as number)));
  return largest;
}

describe.each(CASES)('$name computes what PyTorch transformers computes', ({ name, base, adapters }) => {
  const { ids, vocab, short } = readJsonFixture<Reference>(`checkpoints/${name}/reference.json`);
  const reference = readFloats(fixture(`checkpoints/${name}/reference.f32`));
  let checkpoint: Checkpoint;
  let decoder: Decoder;

  beforeAll(async () => {
    checkpoint = await openCheckpoint(fixture(`checkpoints/${base}`), {
      adapters: adapters.map((adapter) => fixture(`checkpoints/${adapter}`)),
    });
    decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1 });
  });
  afterAll(async () => {
    await decoder?.close();
    await checkpoint?.close();
  });

  const policy = () => full(decoder.config.slidingWindow);

  it('in one prefill', async () => {
    const { logits } = await decoder.newContext(policy(), ids.length).prefill(ids, { logits: 'all' });
    expect(largestDifference(logits, reference)).toBeLessThanOrEqual(1e-4);
  });

  it.each([1, 7, 24, 63])('in chunks of %i', async (size) => {
    const context = decoder.newContext(policy(), ids.length);
    const logits: number[] = [];
    for (let from = 0; from < ids.length; from += size)
      logits.push(...(await context.prefill(ids.slice(from, from + size), { logits: 'all' })).logits);
    expect(largestDifference(logits, reference)).toBeLessThanOrEqual(1e-4);
  });

  it('token by token, and after a prefill', async () => {
    const context = decoder.newContext(policy(), ids.length);
    const logits: number[] = [];
    for (const id of ids) logits.push(...(await context.decode(id)));
    expect(largestDifference(logits, reference)).toBeLessThanOrEqual(1e-4);
    const mixed = decoder.newContext(policy(), ids.length);
    await mixed.prefill(ids.slice(0, 40));
    for (let i = 40; i < ids.length; i++)
      expect(
        largestDifference(await mixed.decode(ids[i] as number), reference.subarray(i * vocab, (i + 1) * vocab)),
      ).toBeLessThanOrEqual(1e-4);
  });

  it.skipIf(short === undefined)('with the short factors within the trained window', async () => {
    const window = short as number;
    const { logits } = await decoder.newContext(policy(), window).prefill(ids.slice(0, window), { logits: 'all' });
    const within = readFloats(fixture(`checkpoints/${name}/reference-short.f32`));
    expect(largestDifference(logits, within)).toBeLessThanOrEqual(1e-4);
    expect(largestDifference(logits, reference.slice(0, window * vocab))).toBeGreaterThan(0.1);
  });
});
