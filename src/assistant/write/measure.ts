/** How much of a sentence a place holds: its words, its neighbouring words, and each clause. */
import type { Ground, Word } from './ground';

/** The tuned numbers. `npm run bench -- real replay` compares designs on recorded drafts. */
export const ATTRIBUTION = {
  /** Minimum share of a sentence's own words in its lines. */
  words: 0.7,
  /** Minimum share of its neighbouring words that are near each other there, and how many words apart that may be. */
  pairs: 0.65,
  reach: 10,
  /** Part of a pair whose words stand in the other order: of two lines the one in the sentence's order is cited. */
  reversed: 0.8,
  /** The same share for each clause, and the part of a pair that a word of the place's path or label makes. */
  clause: 0.55,
  head: 0.5,
  /** Most times that a sentence may have the same word. */
  repeats: 3,
  /** Advantage of the unit that carries the sentence before. */
  stays: 0.3,
  /** A text with fewer words of content, such as a list's item, must stand in a line with a word of the question. */
  few: 3,
  /** Statements of a place, and its lines. */
  statements: 3,
  lines: 12,
  /** Minimum share of a clause's own words in its lines. */
  clauseWords: 0.4,
  /** Minimum share of the words of a clause with a name in one statement that has the name. */
  named: 0.6,
  /** Minimum share of the question's words around a list's item, and the lines above that count as around. */
  subject: 0.5,
  above: 3,
  /** Weight of words of design talk ("method", "returns"): nearly every sentence has some. */
  talk: 0.25,
};

/** A clause with this many words of its own is held against the lines by itself too. */
const CLAUSE_WORDS = 2;
/** A clause with this many pairs is held against the lines by itself too. */
const CLAUSE_PAIRS = 2;

export interface Term {
  forms: readonly string[];
  weight: number;
  /** The question has it too. */
  isAsked: boolean;
}

export interface Clause {
  terms: readonly Term[];
  names: readonly string[];
}

export interface Sentence {
  terms: readonly Term[];
  /** Total weight of the terms that the question does not have. */
  total: number;
  /** Terms in the order of the text, and the clauses that they form. */
  order: readonly Term[];
  clauses: readonly Clause[];
  /** Names as written. */
  names: readonly string[];
  text: string;
  words: readonly Word[];
  /** Quoted text of two words or more. */
  phrases: readonly string[];
  /** For each negation the terms that follow it. */
  denials: readonly (readonly Term[])[];
}

/** Words of a ground with the terms of a sentence that they stand for. */
export interface Match {
  word: Word;
  at: number;
  terms: readonly Term[];
}

export function matchesOf({ terms }: Sentence, { words }: Ground): Match[] {
  return words.flatMap((word, at) => {
    const own = terms.filter(({ forms }) => forms.some((form) => word.forms.has(form)));
    return own.length > 0 ? [{ word, at, terms: own }] : [];
  });
}

/** Shares of the sentence's own words and of its pairs in a place; undefined if they are too small. */
export function measure(
  { terms, total, order, clauses }: Sentence,
  { head }: Ground,
  matches: readonly Match[],
): { words: number; pairs: number } | undefined {
  const places = new Map<Term, number[]>();
  for (const { at, terms: own } of matches) for (const term of own) places.set(term, [...(places.get(term) ?? []), at]);
  const isHead = ({ forms }: Term): boolean => forms.some((form) => head.has(form));
  const stands = (term: Term): boolean => places.has(term) || isHead(term);
  const words = weightOf(terms.filter((term) => !term.isAsked && stands(term))) / total;
  if (words < ATTRIBUTION.words) return undefined;
  const own = clauses.map((clause) => clause.terms.filter(({ isAsked }) => !isAsked));
  if (own.some((of) => of.length >= CLAUSE_WORDS && shareOf(of, stands) < ATTRIBUTION.clauseWords)) return undefined;
  const nearness = (left: Term, right: Term): number => {
    const [here, there] = [places.get(left), places.get(right)];
    if (here && there) {
      const isNear = (least: number, most: number): boolean =>
        here.some((a) => there.some((b) => b - a >= least && b - a <= most));
      return isNear(0, ATTRIBUTION.reach) ? 1 : isNear(-ATTRIBUTION.reach, -1) ? ATTRIBUTION.reversed : 0;
    }
    // The head stands beside all lines, but says less about each.
    return (here || isHead(left)) && (there || isHead(right)) ? ATTRIBUTION.head : 0;
  };
  // An own word that is missing has lowered the share of words. A word of the question that is missing parts the place
  // from the question.
  const counts = (term: Term): boolean => term.isAsked || stands(term);
  const nearOf = (run: readonly Term[], least: number): number | undefined => {
    const pairs: number[] = [];
    run.forEach((right, i) => {
      const left = run[i - 1];
      if (left && left !== right && counts(left) && counts(right)) pairs.push(nearness(left, right));
    });
    return pairs.length < least ? undefined : pairs.reduce((sum, each) => sum + each, 0) / pairs.length;
  };
  if (clauses.some((clause) => (nearOf(clause.terms, CLAUSE_PAIRS) ?? 1) < ATTRIBUTION.clause)) return undefined;
  const share = nearOf(order, 1) ?? 1;
  return share < ATTRIBUTION.pairs ? undefined : { words, pairs: share };
}

/** Share of the weight of the terms that pass; 1 without terms. */
export function shareOf(terms: readonly Term[], passes: (term: Term) => boolean): number {
  const total = weightOf(terms);
  return total === 0 ? 1 : weightOf(terms.filter(passes)) / total;
}

export function weightOf(terms: readonly Term[]): number {
  return terms.reduce((sum, { weight }) => sum + weight, 0);
}
