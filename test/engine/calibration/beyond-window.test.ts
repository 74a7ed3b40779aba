import { cp, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  beyondWindow,
  Decoder,
  extendWindow,
  factorPerplexity,
  lambda,
  measurePerplexity,
  openCheckpoint,
  storedRopeNames,
  type Checkpoint,
} from '../../../src/engine';
import { argmax } from '../../../src/engine/generate/sampling';
import { fixture } from '../../fixtures';
import { randomTokens } from '../tiny';

const WINDOW = 256;

describe('factors that were found by perplexity', () => {
  let checkpoint: Checkpoint;
  let decoder: Decoder;
  beforeAll(async () => {
    const directory = join(await mkdtemp(join(tmpdir(), 'anchorage-beyond-')), 'model');
    await cp(fixture('checkpoints/llama2'), directory, { recursive: true });
    checkpoint = await openCheckpoint(directory);
    decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1 });
  });
  afterAll(async () => {
    await decoder.close();
    await checkpoint.close();
  });

  const runsWith = async (): Promise<unknown> => {
    const stored = JSON.parse(await readFile(checkpoint.ropeFile, 'utf8')) as { default: unknown };
    return stored.default;
  };

  it('are judged by the tokens beyond the trained window, as Λ is', async () => {
    const text = randomTokens(2 * WINDOW, 128, 5);
    const factors = new Float64Array(4).fill(2);
    const found = await beyondWindow(decoder, { factors, extension: 2, attentionFactor: 1 }, [text]);
    const counts = new Uint8Array(text.length).fill(1, WINDOW + 1);
    expect(found.factors).toBeCloseTo(await factorPerplexity(decoder, [{ tokens: text, counts }], factors, 2, 1), 6);
    const { buckets } = await measurePerplexity(decoder, [text], {
      policy: () => lambda({ sinks: 16, window: WINDOW }),
      edges: [1, WINDOW, text.length],
    });
    expect(found.lambda).toBeCloseTo(Math.exp(buckets[1]?.nll as number), 6);
  });

  it('run only if they predict the text behind that of the search better than Λ', async () => {
    const random = randomTokens(3 * WINDOW, 128, 1);
    // A continuation that Λ gets right.
    const expected = decoder.newContext(lambda({ sinks: 16, window: WINDOW }), 3 * WINDOW);
    let { logits } = await expected.prefill(random.slice(2 * WINDOW));
    const continued = [...random];
    while (continued.length < 4 * WINDOW) {
      continued.push(argmax(logits));
      logits = await expected.decode(continued.at(-1) as number);
    }
    for (const [name, text, isBetter] of [
      ['random', randomTokens(4 * WINDOW, 128, 2), true],
      ['continued', continued, false],
    ] as const) {
      const options = { factor: 2, objective: 'perplexity', text, name } as const;
      const { stored, isUsed } = await extendWindow(checkpoint, decoder, options);
      expect(isUsed).toBe(isBetter);
      expect(stored.note).toMatch(isUsed ? /under Λ$/ : /runs without them$/);
      // The factors of the first search stay in use.
      expect(await runsWith()).toBe('random');
      expect(await storedRopeNames(checkpoint.ropeFile)).toContain(name);
    }
  });

  it('and by needles always: perplexity does not judge recall', async () => {
    const text = randomTokens(2 * WINDOW, 128, 3);
    const { isUsed } = await extendWindow(checkpoint, decoder, { factor: 2, objective: 'needles', text });
    expect(isUsed).toBe(true);
    expect(await runsWith()).toBe('dcis-2x-needles');
  });
});

it('the published search, in which every segment moves, is available and has a name of its own', async () => {
  const directory = join(await mkdtemp(join(tmpdir(), 'anchorage-published-')), 'model');
  await cp(fixture('checkpoints/qwen3'), directory, { recursive: true });
  const checkpoint = await openCheckpoint(directory);
  const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1 });
  const text = Array.from({ length: 2 * WINDOW }, (_, i) => 3 + (i % 7));
  const search = { factor: 2, objective: 'perplexity', text } as const;
  const own = await extendWindow(checkpoint, decoder, search);
  const published = await extendWindow(checkpoint, decoder, { ...search, asPublished: true });
  expect([own.name, published.name]).toEqual(['dcis-2x', 'dcis-2x-published']);
  expect(own.result.objective).toBeLessThan(published.result.objective);
  await decoder.close();
  await checkpoint.close();
});
