import * as l10n from '@vscode/l10n';
import type { LateScore } from '../../memory';
import type { LateInteractionSettings } from '../weights';
import type { Scorer } from './scorer';

/** Scores segments by the heaviest run of neighbouring tokens that occur in the question's order. */
export const tokenRunScorer: Scorer = {
  name: 'tokenRun',
  get reason() {
    return { kind: 'late', text: l10n.t('words in order') } as const;
  },
  score: async ({ memory, weights }) => {
    const late = await memory?.lateScores();
    if (!late) return undefined;
    const { segments, scores } = late;
    const runs = { segments, get: (key: string) => runOf(scores.get(key), weights.lateInteraction) };
    return { segments: runs, scale: { least: 0, most: 1 } };
  },
};

const runOf = (score: LateScore | undefined, settings: LateInteractionSettings): number | undefined =>
  score && runShare(score.tokenRun, settings);

/** Returns the score (0…1) of a run with this summed weight (`LateScore.tokenRun`). */
export const runShare = (tokenRun: number, { longRun, runPower }: LateInteractionSettings): number =>
  Math.min(1, tokenRun / longRun) ** runPower;
