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
  pairs: 0.6,
  reach: 10,
  /** Most times that a sentence may have the same word. */
  repeats: 3,
  /** Lines of a place. */
  lines: 12,
  /** Weight of words of design talk ("method", "returns"): nearly every sentence has some. */
  talk: 0.25,
};

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
  /** Terms in the order of the text. */
  order: readonly Term[];
  /** Names and numbers. */
  demanded: readonly string[];
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

  constructor(units: readonly Unit[], question: string) {
    this.grounds = units.map(groundOf);
    this.asked = new Set(wordsOf(question).flatMap(({ forms }) => [...forms]));
  }

  /** The lines that carry a sentence; undefined if none do. */
  attribute(text: string): Carried | undefined {
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
          const score = measured.words + measured.pairs - 0.02 * (last - first);
          if (best && score <= best.score) continue;
          if (!isTrueTo(sentence, ground, first, last, within)) continue;
          const { unit } = ground;
          const { file, path, startLine } = unit;
          const span = { file, path, startLine: startLine + first, endLine: startLine + last, unit };
          best = { carried: { span, share: measured.words }, score };
        }
      });
    }
    return best?.carried;
  }

  /** The title of an excerpt, copied. */
  private isTitle(text: string): boolean {
    return this.grounds.some(({ unit: { path } }) => text.startsWith(`File ${path}`));
  }

  private read(text: string): Sentence {
    const bare = text.replace(/\[\d+\]/g, ' ');
    const words = wordsOf(bare);
    const terms = this.termsOf(bare);
    const termOf = ({ forms }: Word): Term[] =>
      terms.filter((term) => term.forms.some((form) => forms.has(form))).slice(0, 1);
    const phrases = [...bare.matchAll(/"([^"]+)"|“([^”]+)”/g)].map((m) => (m[1] ?? m[2] ?? '').trim());
    return {
      terms,
      total: weightOf(terms.filter(({ isAsked }) => !isAsked)),
      order: words.flatMap(termOf),
      demanded: [...namesIn(bare), ...numbersIn(words)],
      phrases: phrases.filter((phrase) => /\s/.test(phrase)).map(collapsed),
      denials: words.flatMap((word, i) => (isNegation(word) ? [deniedAfter(words, i).flatMap(termOf)] : [])),
    };
  }

  /** The sentence's words of content with their rarity among the words read. A word that no line has weighs most. */
  private termsOf(sentence: string): Term[] {
    const count = this.grounds.reduce((sum, { words }) => sum + words.length, 0);
    return analyseQuestion(sentence).terms.map(({ term, weight, alternatives = [] }) => {
      const forms = [term, ...alternatives.map((each) => each.term)];
      const having = this.grounds.reduce(
        (sum, { words }) => sum + words.filter((word) => forms.some((form) => word.forms.has(form))).length,
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
  { terms, total, order }: Sentence,
  { head }: Ground,
  matches: readonly Match[],
): { words: number; pairs: number } | undefined {
  const places = new Map<Term, number[]>();
  for (const { at, terms: own } of matches) for (const term of own) places.set(term, [...(places.get(term) ?? []), at]);
  const isHead = ({ forms }: Term): boolean => forms.some((form) => head.has(form));
  const words = weightOf(terms.filter((term) => !term.isAsked && (places.has(term) || isHead(term)))) / total;
  if (words < ATTRIBUTION.words) return undefined;
  let pairs = 0;
  let near = 0;
  order.forEach((right, i) => {
    const left = order[i - 1];
    if (!left || left === right) return;
    pairs += 1;
    const [here, there] = [places.get(left), places.get(right)];
    if (here && there) near += here.some((a) => there.some((b) => Math.abs(a - b) <= ATTRIBUTION.reach)) ? 1 : 0;
    // The head stands beside all lines.
    else if ((here || isHead(left)) && (there || isHead(right))) near += 1;
  });
  const share = pairs === 0 ? 1 : near / pairs;
  return share < ATTRIBUTION.pairs ? undefined : { words, pairs: share };
}

/** Whether a place holds what the sentence names, and denies the same. */
function isTrueTo(
  { demanded, phrases, denials }: Sentence,
  { unit, head, words }: Ground,
  first: number,
  last: number,
  matches: readonly Match[],
): boolean {
  const place = words.filter(({ line }) => line >= first && line <= last);
  if (!demanded.every((name) => head.has(name) || place.some(({ forms }) => forms.has(name)))) return false;
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
