import { expect, it } from 'vitest';
import type { MemorySegment } from '../../../src/memory';
import { passageScorer } from '../../../src/search/scorers/passage';
import type { ScoringInput, ScoringMemory } from '../../../src/search/scorers/scorer';

const segments = [{ key: 'a' }, { key: 'b' }] as MemorySegment[];

function inputWith(sentence: Float32Array | undefined): ScoringInput {
  const nearestPassages = (own: readonly MemorySegment[], query: Float32Array) =>
    Promise.resolve(own.map((segment, i) => ({ segment, similarity: query[i] as number })));
  const embedding = { vector: Float32Array.of(1), tokens: 1, ...(sentence ? { sentence } : {}) };
  const memory = { memories: { nearestPassages }, embedding } as unknown as ScoringMemory;
  return { segments, memory } as unknown as ScoringInput;
}

it('scores each segment by its nearest passage, relative to the other candidates', async () => {
  const scores = await passageScorer.score(inputWith(Float32Array.of(0.2, 0.7)));
  expect([...(scores?.segments ?? [])].map(([key, value]) => [key, value.toFixed(1)])).toEqual([
    ['a', '0.2'],
    ['b', '0.7'],
  ]);
  expect(scores?.scale).toBe('candidates');
});

it('says nothing without a sentence encoder', async () => {
  expect(await passageScorer.score(inputWith(undefined))).toBeUndefined();
  expect(await passageScorer.score({ segments } as unknown as ScoringInput)).toBeUndefined();
});
