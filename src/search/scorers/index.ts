/** The scorers of the ranking. weights.ts has their weights; a scorer with weight 0 does not run. */
import { lateInteractionScorer } from './late-interaction';
import { lexicalScorer } from './lexical';
import { passageScorer } from './passage';
import { phraseScorer } from './phrase';
import type { Scorer } from './scorer';
import { selectionScorer } from './selection';
import { tokenRunScorer } from './token-run';
import { vectorScorer } from './vector';

export const SCORERS: readonly Scorer[] = [
  lexicalScorer,
  vectorScorer,
  passageScorer,
  lateInteractionScorer,
  tokenRunScorer,
  selectionScorer,
  phraseScorer,
];

export type { Scorer, Scores, ScoringInput, ScoringMemory } from './scorer';
