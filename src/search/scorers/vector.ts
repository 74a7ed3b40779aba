import * as l10n from '@vscode/l10n';
import type { Scorer } from './scorer';

/** Scores segments by the cosine of their vector with the question's vector. */
export const vectorScorer: Scorer = {
  name: 'vector',
  get reason() {
    return { kind: 'vector', text: l10n.t('similar meaning') } as const;
  },
  score: async ({ segments, memory }) => {
    if (!memory) return undefined;
    const scored = await memory.memories.nearest(segments, memory.embedding.vector);
    return {
      segments: new Map(scored.map(({ segment, similarity }) => [segment.key, similarity])),
      scale: 'candidates',
    };
  },
};
