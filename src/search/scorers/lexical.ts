import { kindPenalty } from '../lexical/features';
import type { Scorer } from './scorer';

/**
 * Scores spans by the words of the question (lexical/). A segment outside all spans counts as the last span found, less
 * if the question does not ask for its kind of file.
 */
export const lexicalScorer: Scorer = {
  name: 'lexical',
  score: ({ spans, question: { intent }, weights }) => {
    const least = spans.length === 0 ? 0 : Math.min(...spans.map(({ score }) => score));
    return Promise.resolve({
      spans: new Map(spans.map((span) => [span, span.score])),
      otherwise: (segment) => least + (segment ? kindPenalty(segment.path, intent, weights.documents) : 0),
      scale: 'points',
    });
  },
};
