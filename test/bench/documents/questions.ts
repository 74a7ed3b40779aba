import { languageOfQuestion } from '../../../src/workspace';
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
  const isOwn = isIn(/\.(de|fr|ja|ru|zh)$/.exec(question.document)?.[1]);
  return texts.some((text) => {
    for (let from = 0; from < text.length; from += STRETCH / 2) {
      const stretch = text.slice(from, from + STRETCH);
      if (holds(stretch, question) && isOwn(around(stretch, question))) return true;
    }
    return false;
  });
}

const STRETCH = 3_000;
/** Characters before and after the words of an answer that tell its language. */
const AROUND = 150;

/** The text around the first words of the answer. */
function around(stretch: string, { words: [forms = []] }: DocumentQuestion): string {
  const at = Math.min(...forms.map((form) => stretch.indexOf(form)).filter((place) => place >= 0));
  return Number.isFinite(at) ? stretch.slice(Math.max(0, at - AROUND), at + AROUND) : '';
}

/** Translated documents keep paragraphs in English, which are no answer in another language. */
function isIn(language: string | undefined): (text: string) => boolean {
  if (language === undefined) return () => true;
  if (language === 'de' || language === 'fr') return (text) => languageOfQuestion(text) === language;
  const letters =
    language === 'ru' ? /\p{Script=Cyrillic}/gu : /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu;
  return (text) => (text.match(letters)?.length ?? 0) >= LEAST_LETTERS;
}

const LEAST_LETTERS = 20;
