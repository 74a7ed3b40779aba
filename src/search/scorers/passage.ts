import * as l10n from '@vscode/l10n';
import type { RankedSpan } from '../../protocol';
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
  score: async ({ segments, memory, weights }) => {
    if (!memory?.embedding.sentence) return undefined;
    const scored = await memory.memories.nearestPassages(segments, memory.embedding.sentence);
    if (scored.length === 0) return undefined;
    const mean = scored.reduce((sum, { similarity }) => sum + similarity, 0) / scored.length;
    const variance = scored.reduce((sum, { similarity }) => sum + (similarity - mean) ** 2, 0) / scored.length;
    const deviation = Math.max(weights.similarity.leastDeviation, Math.sqrt(variance));
    return {
      segments: new Map(scored.map(({ segment, similarity }) => [segment.key, similarity])),
      scale: { least: mean, most: mean + weights.similarity.deviations * deviation },
    };
  },
};

/** Number of files whose best span is at most `margin` below the best of all, this one included. */
function rivals(spans: readonly RankedSpan[], margin: number): number {
  const best = Math.max(...spans.map(({ score }) => score));
  return new Set(spans.filter(({ score }) => score > best - margin).map(({ path }) => path)).size;
}
