import * as l10n from '@vscode/l10n';
import type { Scorer } from './scorer';

/** Scores segments by the share of the question, token by token, within the best passage of neighbouring tokens. */
export const lateInteractionScorer: Scorer = {
  name: 'lateInteraction',
  get reason() {
    return { kind: 'late', text: l10n.t('words close together') } as const;
  },
  score: async ({ memory }) => {
    const late = await memory?.lateScores();
    if (!late) return undefined;
    const { segments, scores } = late;
    return { segments: { segments, get: (key) => scores.get(key)?.passage }, scale: 'candidates' };
  },
};
