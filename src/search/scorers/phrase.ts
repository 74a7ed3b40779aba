import * as l10n from '@vscode/l10n';
import type { Scorer } from './scorer';

/**
 * Scores spans that contain text of the question word for word: a quoted phrase, or a long run of the question's words,
 * as of an error message that was pasted.
 */
export const phraseScorer: Scorer = {
  name: 'phrase',
  get reason() {
    return { kind: 'body', text: l10n.t('exact phrase') } as const;
  },
  score: ({ question: { phrases, text }, spans, weights: { phrases: settings } }) => {
    const words = plain(text)
      .replace(/[?.!]+$/, '')
      .split(' ');
    const shareOf = (span: string): number => {
      if (phrases.length > 0) return phrases.filter((phrase) => span.includes(phrase)).length / phrases.length;
      const run = longestRun(words, span);
      return run < settings.leastRun ? 0 : run / words.length;
    };
    const values = spans.map((span) => [span, shareOf(plain(span.text))] as const);
    if (phrases.length === 0 && values.every(([, share]) => share === 0)) return Promise.resolve(undefined);
    return Promise.resolve({ spans: new Map(values), scale: { least: 0, most: 1 } });
  },
};

const plain = (text: string): string => text.toLowerCase().replace(/\s+/g, ' ').trim();

/** Number of words of the longest run that a text contains. */
function longestRun(words: readonly string[], text: string): number {
  let best = 0;
  for (let from = 0; from + best < words.length; from++) {
    while (from + best < words.length && text.includes(words.slice(from, from + best + 1).join(' '))) best++;
  }
  return best;
}
