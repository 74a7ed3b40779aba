import { tokenTerms, wholeTerm, type WrittenLanguage } from '../../workspace';
import { SEARCH_WEIGHTS, type TermWeights } from '../weights';
import { analyseQuestion } from './analysis';
import { codeNames } from './code-names';

/** The form of a question ("where is", "who calls") decides what an answer quotes. */
export type QuestionForm = 'where' | 'how' | 'what' | 'why' | 'users' | 'value' | 'other';

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

const QUANTITY =
  /\b(?:how (?:many|much|long|large|big|deep|often|old|far|fast|high|soon|wide)|(?:what|which) (?:number|percentage|size|share|port|mode|year)|(?:maximum|minimum|largest|smallest|longest|least|most) (?:number|size|length|delay)|wie (?:viele?|lange?|oft|groß|hoch|tief|schnell)|wieviel|innerhalb welcher|combien|quelle (?:longueur|taille|durée)|quel (?:délai|nombre)|à quelle fréquence|cuánt[oa]s?|quant[oaie]s?|hoeveel|hoe (?:lang|vaak|groot))\b|сколько|как (?:часто|долго)|какой длины|какова|за какое время|何(?:日|回|文字|週間|時間|人|個)|どのくらい|どれくらい|いくつ|多少|几个|多久|多长|多大/u;

/** Whether a question (in lower case) asks for a number, a length or a time. */
export const asksQuantity = (plain: string): boolean => QUANTITY.test(plain);

function formOf(plain: string, namesCode: boolean): QuestionForm {
  if (
    namesCode &&
    /\b(who|what|which|where)\b[^?]*\b(calls?|uses|used|called|invoked|invokes|references?|referenced|depends on|imports?|imported)\b/.test(
      plain,
    )
  )
    return 'users';
  if (/\bwhat happens\b/.test(plain)) return 'how';
  if (/\b(default|value of|what value|limit|constant|version|which port)\b/.test(plain) || asksQuantity(plain))
    return 'value';
  if (/^\W*(where|which (file|module|class|function|method|part))\b|\bwhere (is|are|does|do|in)\b/.test(plain))
    return 'where';
  if (/\bhow\b/.test(plain)) return 'how';
  if (/\bwhy\b/.test(plain)) return 'why';
  if (/\bwhat\b|\bwhich\b/.test(plain)) return 'what';
  return 'other';
}
