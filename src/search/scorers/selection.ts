import * as l10n from '@vscode/l10n';
import type { Scorer } from './scorer';

/**
 * Scores segments by the learned similarity of their mean key with the question's mean query. Applies to models with a
 * selection head.
 */
export const selectionScorer: Scorer = {
  name: 'selection',
  get reason() {
    return { kind: 'attention', text: l10n.t('model selection') } as const;
  },
  score: async ({ segments, memory }) => {
    const selection = memory?.embedding.selection;
    if (!memory || !selection) return undefined;
    const scored = await memory.memories.selected(segments, selection);
    return {
      segments: new Map(scored.map(({ segment, similarity }) => [segment.key, similarity])),
      scale: 'candidates',
    };
  },
};
