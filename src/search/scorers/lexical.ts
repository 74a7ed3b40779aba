import type { Scorer } from './scorer';

/** Scores spans by the words of the question (lexical/). A segment outside all spans counts as the last span found. */
export const lexicalScorer: Scorer = {
  name: 'lexical',
  score: ({ spans }) =>
    Promise.resolve({
      spans: new Map(spans.map((span) => [span, span.score])),
      otherwise: spans.length === 0 ? 0 : Math.min(...spans.map(({ score }) => score)),
      scale: 'points',
    }),
};
