import type { Scorer } from './scorer';

/** Scores segments by their passage that is most similar to the question, as the sentence encoder sees it. */
export const passageScorer: Scorer = {
  name: 'passage',
  reason: { kind: 'vector', text: 'similar passage' },
  score: async ({ segments, memory }) => {
    if (!memory?.embedding.sentence) return undefined;
    const scored = await memory.memories.nearestPassages(segments, memory.embedding.sentence);
    return {
      segments: new Map(scored.map(({ segment, similarity }) => [segment.key, similarity])),
      scale: 'candidates',
    };
  },
};
