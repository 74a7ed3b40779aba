import questions from './questions.json';

/** A question about a document, with the words of a right answer. */
export interface DocumentQuestion {
  document: string;
  text: string;
  /** Each must occur, in one of its forms. */
  words: readonly (readonly string[])[];
  half: 'tuning' | 'validation';
}

/** Questions in their order alternate between the halves. */
export const QUESTIONS: readonly DocumentQuestion[] = Object.entries(questions).flatMap(([document, asked]) =>
  asked.map(([text = '', ...words], i): DocumentQuestion => ({
    document,
    text,
    words: words.map((forms) => forms.split('|').map(plain)),
    half: i % 2 === 0 ? 'tuning' : 'validation',
  })),
);

/** Text without marks of quotes, emphasis and code, in lower case, on one line. */
export function plain(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/^\s*>+ ?/gm, '')
    .replace(/[*`"“”„«»]/g, '')
    .replace(/(?<=[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}。、，])\s*\n\s*/gu, '')
    .replace(/\s+/g, ' ')
    .toLowerCase();
}

export const holds = (text: string, { words }: DocumentQuestion): boolean =>
  words.every((forms) => forms.some((form) => text.includes(form)));

/** Whether some stretch of a document holds the words of the answer. */
export function isAnswerable(texts: readonly string[], question: DocumentQuestion): boolean {
  return texts.some((text) => {
    for (let from = 0; from < text.length; from += STRETCH / 2)
      if (holds(text.slice(from, from + STRETCH), question)) return true;
    return false;
  });
}

const STRETCH = 3_000;
