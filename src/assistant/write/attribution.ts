/**
 * Binds each sentence of a draft to the lines that carry it. Small models do not cite reliably, so their markers are
 * ignored. One place must carry a sentence: its lines hold every name, number and quoted phrase in it, most of its
 * words, and neighbouring words near each other; what the sentence denies is denied there, and nothing else is. Words
 * of the question are no grounds: a sentence that only repeats them says nothing.
 */
import type { Span } from '../../protocol';
import { analyseQuestion } from '../../search';
import { namesIn } from '../citations';
import { deniedAfter, groundOf, isNegation, numbersIn, wordsOf, type Ground, type Word } from './ground';
import type { Unit } from './units';

export interface Carried {
  /** The lines that carry the sentence. */
  span: Span & { unit: Unit };
  /** Share (0…1) of the sentence's own words that the lines hold. */
  share: number;
}

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
  /** Lines of a place. */
  lines: 12,
  /** Weight of words of design talk ("method", "returns"): nearly every sentence has some. */
  talk: 0.25,
};

/** A new clause begins. */
const CLAUSE = /[,;:](?=\s)|\b(?:if|when|because|unless|while|although|which|so that|and (?:it|they|the))\b/i;
/** A clause with this many pairs is held against the lines by itself too. */
const CLAUSE_PAIRS = 2;

interface Term {
  forms: readonly string[];
  weight: number;
  /** The question has it too. */
  isAsked: boolean;
}

interface Sentence {
  terms: readonly Term[];
  /** Total weight of the terms that the question does not have. */
  total: number;
  /** Terms in the order of the text, and the clauses that they form. */
  order: readonly Term[];
  clauses: readonly (readonly Term[])[];
  /** Names as written, and numbers in digits. */
  names: readonly string[];
  numbers: readonly string[];
  /** Quoted text of two words or more. */
  phrases: readonly string[];
  /** For each negation the terms that follow it. */
  denials: readonly (readonly Term[])[];
}

/** Words of a ground with the terms of a sentence that they stand for. */
interface Match {
  word: Word;
  at: number;
  terms: readonly Term[];
}

export class Attribution {
  private readonly grounds: readonly Ground[];
  private readonly asked: ReadonlySet<string>;
  /** The question's words of content. */
  private readonly subject: readonly Term[];

  constructor(units: readonly Unit[], question: string) {
    this.grounds = units.map(groundOf);
    const words = wordsOf(question);
    this.asked = new Set(words.flatMap(({ forms }) => [...forms]));
    this.subject = this.termsOf(words);
  }

  /** The lines that carry a sentence; undefined if none do. Of equal places the unit of the one before is taken. */
  attribute(text: string, before?: Unit): Carried | undefined {
    const sentence = this.read(text);
    if (sentence.total === 0 || isLoop(sentence) || this.isTitle(text)) return undefined;
    let best: { carried: Carried; score: number } | undefined;
    for (const ground of this.grounds) {
      const matches = matchesOf(sentence, ground);
      const lines = [...new Set(matches.map(({ word }) => word.line))];
      lines.forEach((first, i) => {
        for (const last of lines.slice(i)) {
          if (last - first >= ATTRIBUTION.lines) break;
          const within = matches.filter(({ word }) => word.line >= first && word.line <= last);
          const measured = measure(sentence, ground, within);
          // Among equal places the shortest is cited.
          if (!measured) continue;
          const stays = ground.unit === before ? ATTRIBUTION.stays : 0;
          const score = measured.words + measured.pairs + stays - 0.02 * (last - first);
          if (best && score <= best.score) continue;
          if (!isTrueTo(sentence, ground, first, last, within)) continue;
          if (sentence.order.length < ATTRIBUTION.few && !this.isNearSubject(ground, within)) continue;
          const { unit } = ground;
          const { file, path, startLine } = unit;
          const span = { file, path, startLine: startLine + first, endLine: startLine + last, unit };
          best = { carried: { span, share: measured.words }, score };
        }
      });
    }
    return best?.carried;
  }

  /** Whether all words found stand in a line with a word of the question. */
  private isNearSubject({ words }: Ground, matches: readonly Match[]): boolean {
    const asked = new Set(
      words.flatMap(({ forms, line }) =>
        this.subject.some((term) => term.forms.some((form) => forms.has(form))) ? [line] : [],
      ),
    );
    return matches.every(({ word }) => asked.has(word.line));
  }

  /** The title of an excerpt, copied. */
  private isTitle(text: string): boolean {
    return this.grounds.some(({ unit: { path } }) => text.startsWith(`File ${path}`));
  }

  private read(text: string): Sentence {
    const bare = text.replace(/\[\d+\]/g, ' ');
    const words = wordsOf(bare);
    const terms = this.termsOf(words);
    const byKey = new Map(terms.map((term) => [term.forms[0], term]));
    const termOf = ({ text: word }: Word): Term[] => {
      const term = byKey.get(analyseQuestion(word).terms[0]?.term);
      return term ? [term] : [];
    };
    const phrases = [...bare.matchAll(/"([^"]+)"|“([^”]+)”/g)].map((m) => (m[1] ?? m[2] ?? '').trim());
    return {
      terms,
      total: weightOf(terms.filter(({ isAsked }) => !isAsked)),
      order: words.flatMap(termOf),
      clauses: bare.split(CLAUSE).map((clause) => wordsOf(clause).flatMap(termOf)),
      names: namesIn(bare),
      numbers: numbersIn(words),
      phrases: phrases.filter((phrase) => /\s/.test(phrase)).map(collapsed),
      denials: words.flatMap((word, i) => (isNegation(word) ? [deniedAfter(words, i).flatMap(termOf)] : [])),
    };
  }

  /** The sentence's words of content with their rarity among the words read. A word that no line has weighs most. */
  private termsOf(words: readonly Word[]): Term[] {
    const count = this.grounds.reduce((sum, { words: read }) => sum + read.length, 0);
    const found = new Map<string, { weight: number; forms: string[] }>();
    for (const { text } of words)
      for (const { term, weight, alternatives = [] } of analyseQuestion(text).terms)
        found.set(term, { weight, forms: [term, ...alternatives.map((each) => each.term)] });
    return [...found.values()].map(({ weight, forms }) => {
      const having = this.grounds.reduce(
        (sum, { words: read }) => sum + read.filter((word) => forms.some((form) => word.forms.has(form))).length,
        0,
      );
      const rarity = Math.log(1 + count / (having + 0.5)) / Math.log(1 + 2 * count);
      return {
        forms,
        weight: rarity * (weight < 0.5 ? ATTRIBUTION.talk : 1),
        isAsked: forms.some((form) => this.asked.has(form)),
      };
    });
  }
}

/** Small models repeat themselves until they are stopped. */
function isLoop({ terms, order }: Sentence): boolean {
  return terms.some((term) => order.filter((each) => each === term).length > ATTRIBUTION.repeats);
}

function matchesOf({ terms }: Sentence, { words }: Ground): Match[] {
  return words.flatMap((word, at) => {
    const own = terms.filter(({ forms }) => forms.some((form) => word.forms.has(form)));
    return own.length > 0 ? [{ word, at, terms: own }] : [];
  });
}

/** Shares of the sentence's own words and of its pairs in a place; undefined if they are too small. */
function measure(
  { terms, total, order, clauses }: Sentence,
  { head }: Ground,
  matches: readonly Match[],
): { words: number; pairs: number } | undefined {
  const places = new Map<Term, number[]>();
  for (const { at, terms: own } of matches) for (const term of own) places.set(term, [...(places.get(term) ?? []), at]);
  const isHead = ({ forms }: Term): boolean => forms.some((form) => head.has(form));
  const words = weightOf(terms.filter((term) => !term.isAsked && (places.has(term) || isHead(term)))) / total;
  if (words < ATTRIBUTION.words) return undefined;
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
  const counts = (term: Term): boolean => term.isAsked || places.has(term) || isHead(term);
  const shareOf = (run: readonly Term[], least: number): number | undefined => {
    const pairs: number[] = [];
    run.forEach((right, i) => {
      const left = run[i - 1];
      if (left && left !== right && counts(left) && counts(right)) pairs.push(nearness(left, right));
    });
    return pairs.length < least ? undefined : pairs.reduce((sum, each) => sum + each, 0) / pairs.length;
  };
  if (clauses.some((clause) => (shareOf(clause, CLAUSE_PAIRS) ?? 1) < ATTRIBUTION.clause)) return undefined;
  const share = shareOf(order, 1) ?? 1;
  return share < ATTRIBUTION.pairs ? undefined : { words, pairs: share };
}

/** Whether a place holds what the sentence names, and denies the same. */
function isTrueTo(
  { names, numbers, phrases, denials }: Sentence,
  { unit, titled, words }: Ground,
  first: number,
  last: number,
  matches: readonly Match[],
): boolean {
  const place = words.filter(({ line }) => line >= first && line <= last);
  if (!names.every((name) => titled.has(name) || place.some(({ text }) => text === name))) return false;
  if (!numbers.every((number) => place.some(({ forms }) => forms.has(number)))) return false;
  if (phrases.length > 0) {
    const text = collapsed(
      unit.text
        .split('\n')
        .slice(first, last + 1)
        .join(' '),
    );
    if (!phrases.every((phrase) => text.includes(phrase))) return false;
  }
  const here = matches.flatMap(({ word, terms }) => terms.map((term) => ({ term, isDenied: word.denied })));
  const deniedHere = new Set(here.flatMap(({ term, isDenied }) => (isDenied ? [term] : [])));
  const stated = new Set(here.flatMap(({ term, isDenied }) => (isDenied ? [] : [term])));
  if (denials.length === 0) return [...deniedHere].every((term) => stated.has(term));
  // The first word after a negation is the one that it denies.
  return denials.every(([first]) => (first ? deniedHere.has(first) : place.some(isNegation)));
}

function weightOf(terms: readonly Term[]): number {
  return terms.reduce((sum, { weight }) => sum + weight, 0);
}

function collapsed(text: string): string {
  return text.replace(/\s+/g, ' ').toLowerCase();
}
