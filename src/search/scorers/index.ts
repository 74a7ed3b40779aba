/** The scorers of the ranking. weights.ts has their weights; a scorer with weight 0 does not run. */
import { lateInteractionScorer } from './late-interaction';
import { lexicalScorer } from './lexical';
import { passageScorer } from './passage';
import { phraseScorer } from './phrase';
import type { Scorer } from './scorer';
import { tokenRunScorer } from './token-run';

export const SCORERS: readonly Scorer[] = [
  lexicalScorer,
  passageScorer,
  lateInteractionScorer,
  tokenRunScorer,
  phraseScorer,
];

export type { LateScores, Scorer, Scores, ScoringInput, ScoringMemory, SegmentValues } from './scorer';
