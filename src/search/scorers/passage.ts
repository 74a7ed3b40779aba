import * as l10n from '@vscode/l10n';
import type { MemorySegment } from '../../memory';
import type { RankedSpan } from '../../protocol';
import { highest, segmentsAt } from '../memory-candidates';
import type { Scorer } from './scorer';

/**
 * Scores segments by their passage that is most similar to the question, as the sentence encoder sees it: in standard
 * deviations above the mean of all segments. It counts more where the lexical ranking is unsure.
 */
export const passageScorer: Scorer = {
  name: 'passage',
  get reason() {
    return { kind: 'vector', text: l10n.t('similar passage') } as const;
  },
  factor: ({ question, spans, weights: { similarity } }) => {
    if (question.names.some(({ kind }) => kind === 'identifier')) return 1;
    const more = Math.max(0, rivals(spans, similarity.rivalMargin) - similarity.rivals);
    return Math.min(similarity.most, 1 + similarity.perRival * more);
  },
  score: async ({ segments, spans, memory, weights: { similarity: settings, limits } }) => {
    const similarities = await memory?.similarities();
    const known = similarities && measure(similarities);
    if (!known) return undefined;
    const indices = new Set([
      ...highest(segments.length, (index) => similarities[index], limits.addedSegments),
      ...segmentsAt(segments, spans),
    ]);
    const scored = [...indices].sort((a, b) => a - b).filter((index) => !Number.isNaN(similarities[index]));
    const chosen = scored.map((index) => segments[index] as MemorySegment);
    const values = new Map(chosen.map(({ key }, i) => [key, similarities[scored[i] as number] as number]));
    const deviation = Math.max(settings.leastDeviation, known.deviation);
    return {
      segments: { segments: chosen, get: (key) => values.get(key) },
      scale: { least: known.mean, most: known.mean + settings.deviations * deviation },
    };
  },
};

/** Mean and standard deviation of the values that are numbers. Undefined when none is. */
function measure(values: Float32Array): { mean: number; deviation: number } | undefined {
  let count = 0;
  let sum = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    count++;
    sum += value;
  }
  if (count === 0) return undefined;
  const mean = sum / count;
  let squares = 0;
  for (const value of values) if (!Number.isNaN(value)) squares += (value - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / count) };
}

/** Number of files whose best span is at most `margin` below the best of all, this one included. */
function rivals(spans: readonly RankedSpan[], margin: number): number {
  const best = Math.max(...spans.map(({ score }) => score));
  return new Set(spans.filter(({ score }) => score > best - margin).map(({ path }) => path)).size;
}
