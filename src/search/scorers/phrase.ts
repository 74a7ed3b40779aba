import * as l10n from '@vscode/l10n';
import type { Scorer } from './scorer';

/** Scores spans that contain a quoted phrase of the question word for word, such as the text of an error message. */
export const phraseScorer: Scorer = {
  name: 'phrase',
  get reason() {
    return { kind: 'body', text: l10n.t('exact phrase') } as const;
  },
  score: ({ question, spans }) => {
    const { phrases } = question;
    if (phrases.length === 0) return Promise.resolve(undefined);
    const values = spans.map((span) => {
      const text = span.text.toLowerCase().replace(/\s+/g, ' ');
      return [span, phrases.filter((phrase) => text.includes(phrase)).length / phrases.length] as const;
    });
    return Promise.resolve({ spans: new Map(values), scale: { least: 0, most: 1 } });
  },
};
