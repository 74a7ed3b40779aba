import type { Scorer } from './scorer';

/** Scores segments by the share of the question, token by token, within the best passage of neighbouring tokens. */
export const lateInteractionScorer: Scorer = {
  name: 'lateInteraction',
  reason: { kind: 'late', text: 'words close together' },
  score: async ({ memory }) => {
    const scores = await memory?.lateScores();
    return (
      scores && {
        segments: new Map([...scores].map(([key, { passage }]) => [key, passage])),
        scale: 'candidates',
      }
    );
  },
};
