import { expect, it } from 'vitest';
import type { MemorySegment } from '../../../src/memory';
import { analyseQuestion } from '../../../src/search/query/analysis';
import { passageScorer } from '../../../src/search/scorers/passage';
import type { ScoringInput, ScoringMemory } from '../../../src/search/scorers/scorer';
import { SEARCH_WEIGHTS } from '../../../src/search/weights';

const segments = [{ key: 'a' }, { key: 'b' }] as MemorySegment[];

function inputWith(sentence: Float32Array | undefined): ScoringInput {
  const memory = { similarities: () => Promise.resolve(sentence) } as unknown as ScoringMemory;
  return { segments, spans: [], memory, weights: SEARCH_WEIGHTS } as unknown as ScoringInput;
}

/** Lexical spans of as many files, with scores that fall by `step`, for a question. */
function factorOf(text: string, files: number, step: number): number {
  const spans = Array.from({ length: files }, (_, i) => ({ path: `${i}.py`, score: 2 - i * step }));
  const input = { question: analyseQuestion(text), spans, weights: SEARCH_WEIGHTS } as unknown as ScoringInput;
  return passageScorer.factor?.(input) ?? 1;
}

it('scores each segment by its nearest passage, in deviations above the mean', async () => {
  const scores = await passageScorer.score(inputWith(Float32Array.of(0.2, 0.7)));
  expect(['a', 'b'].map((key) => scores?.segments?.get(key)?.toFixed(1))).toEqual(['0.2', '0.7']);
  const { least, most } = scores?.scale as { least: number; most: number };
  expect(least).toBeCloseTo(0.45);
  expect((0.7 - least) / (most - least)).toBeCloseTo(1 / SEARCH_WEIGHTS.similarity.deviations);
});

it('counts more where many files are about as good by words, unless the question has a name of code', () => {
  expect(factorOf('sort a list of dates', 3, 0.01)).toBe(1);
  expect(factorOf('sort a list of dates', 20, 0.5)).toBe(1);
  expect(factorOf('sort a list of dates', 14, 0.01)).toBeGreaterThan(1.5);
  expect(factorOf('sort a list of dates', 30, 0.001)).toBe(SEARCH_WEIGHTS.similarity.most);
  expect(factorOf('where is sort_dates defined', 30, 0.001)).toBe(1);
});

it('says nothing without a sentence encoder', async () => {
  expect(await passageScorer.score(inputWith(undefined))).toBeUndefined();
  expect(await passageScorer.score({ segments, weights: SEARCH_WEIGHTS } as unknown as ScoringInput)).toBeUndefined();
});
