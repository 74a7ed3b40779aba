import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Decoder, openCheckpoint } from '../../../../src/engine';
import { readJsonFixture } from '../../../fixtures';
import { realModel } from '../../real-models';

/** Greedy continuations by llama.cpp of the same weights, dequantized to F32. */
const EXPECTED = readJsonFixture<Record<string, { prompt: number[]; greedy: number[] }>>('llama-cpp-greedy.json');

describe.each(Object.keys(EXPECTED))('the published file %s', (name) => {
  const path = realModel(name);

  it.skipIf(path === undefined)(
    'has the same greedy continuation in f32 as in llama.cpp',
    async () => {
      const { prompt, greedy } = EXPECTED[name] as { prompt: number[]; greedy: number[] };
      const cacheDirectory = mkdtempSync(join(tmpdir(), 'greedy-'));
      try {
        const checkpoint = await openCheckpoint(path as string);
        const decoder = await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory, threads: 1 });
        await checkpoint.close();
        const context = decoder.newContext(undefined, prompt.length + greedy.length);
        const best = (logits: Float32Array) => logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
        const made = [best((await context.prefill(prompt)).logits)];
        while (made.length < greedy.length) made.push(best(await context.decode(made.at(-1) as number)));
        await decoder.close();
        expect(made).toEqual(greedy);
      } finally {
        rmSync(cacheDirectory, { recursive: true, force: true });
      }
    },
    3_600_000,
  );
});
