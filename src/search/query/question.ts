import { tokenTerms, wholeTerm, type WrittenLanguage } from '../../workspace';
import { SEARCH_WEIGHTS, type TermWeights } from '../weights';
import { analyseQuestion } from './analysis';
import { codeNames } from './code-names';
import { formOf, type QuestionForm } from './forms';

/** A question, parsed for composing an answer. */
export interface Question {
  text: string;
  form: QuestionForm;
  /** Weight of each term (a stem, or a whole identifier). Names of code weigh more. */
  terms: ReadonlyMap<string, number>;
  /** Names of code as written: `quoted`, camelCase, snake_case, dotted, call(). */
  names: readonly string[];
  /** Language that the question is written in. */
  language: WrittenLanguage;
  /** Whether the question asks for tests or documentation. */
  wants: { tests: boolean; docs: boolean };
}

/**
 * @param ownNames names of the project as a whole, in lower case. A question mentions them in passing ("How does Caddy
 * …").
 */
export function parseQuestion(
  text: string,
  ownNames: readonly string[] = [],
  weights: TermWeights = SEARCH_WEIGHTS.terms,
): Question {
  const analysed = analyseQuestion(text, { ownNames }, weights);
  const names = codeNames(text).filter(
    (name) => !ownNames.includes(name.toLowerCase()) || text.includes(`\`${name}\``),
  );
  const terms = new Map(analysed.terms.map(({ term, weight }) => [term, weight]));
  for (const name of names) {
    const whole = wholeTerm(name.replace(/!$/, ''));
    for (const term of new Set([...tokenTerms(name.replace(/!$/, '')), whole]))
      terms.set(term, term === whole ? weights.codeName : Math.max(terms.get(term) ?? 0, weights.codeNamePart));
  }
  const plain = text.toLowerCase();
  // A question of stop words only ("what does it do?") is matched by these words.
  if (terms.size === 0) for (const word of plain.match(/[\p{L}\p{N}_$]+/gu) ?? []) terms.set(word, weights.word);
  return {
    text,
    form: formOf(plain, names.length > 0),
    terms,
    names,
    language: analysed.language,
    wants: {
      tests: analysed.intent.tests && /\btest(s|ed)?\b|\bspecs?\b/.test(plain),
      docs: /\bdocs?\b|\bdocument(ed|ation)\b|\breadme\b|\bchangelog\b/.test(plain),
    },
  };
}
