/**
 * Binds each sentence of a draft to the lines that carry it. Small models do not cite reliably, so their markers are
 * ignored. One place must carry a sentence: its lines hold every name, number and quoted phrase in it, most of its
 * words, and neighbouring words near each other; what the sentence denies is denied there, and nothing else is. Words
 * of the question are no grounds: a sentence that only repeats them says nothing.
 */
import type { Span } from '../../protocol';
import { analyseQuestion } from '../../search';
import { namesIn } from '../citations';
import { collapsed, isTrueTo } from './faithful';
import { deniedAfter, groundOf, isNegation, wordsOf, type Ground, type Word } from './ground';
import { ATTRIBUTION, matchesOf, measure, shareOf, weightOf, type Match, type Sentence, type Term } from './measure';
import type { Unit } from './units';

export interface Carried {
  /** The lines that carry the sentence. */
  span: Span & { unit: Unit };
  /** Share (0…1) of the sentence's own words that the lines hold. */
  share: number;
}

/** A new clause begins. */
const CLAUSE = /[,;:](?=\s)|\b(?:if|when|because|unless|while|although|which|so that|and (?:it|they|the))\b/i;
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
      const statements = [...new Set(matches.map(({ word }) => word.statement))];
      statements.forEach((from, i) => {
        for (const to of statements.slice(i)) {
          if (to - from >= ATTRIBUTION.statements) break;
          const within = matches.filter(({ word }) => word.statement >= from && word.statement <= to);
          const [first, last] = [within[0]?.word.line ?? 0, within.at(-1)?.word.line ?? 0];
          if (last - first >= ATTRIBUTION.lines) break;
          const measured = measure(sentence, ground, within);
          // Among equal places the shortest is cited.
          if (!measured) continue;
          const stays = ground.unit === before ? ATTRIBUTION.stays : 0;
          const score = measured.words + measured.pairs + stays - 0.02 * (last - first);
          if (best && score <= best.score) continue;
          const place = ground.words.filter(({ statement }) => statement >= from && statement <= to);
          if (!isTrueTo(sentence, ground, place, within)) continue;
          if (sentence.order.length < ATTRIBUTION.few && !this.isNearSubject(ground, within)) continue;
          if (!this.isOnSubject(sentence, ground, first, last)) continue;
          const { unit } = ground;
          const { file, path, startLine } = unit;
          const span = { file, path, startLine: startLine + first, endLine: startLine + last, unit };
          best = { carried: { span, share: measured.words }, score };
        }
      });
    }
    return best?.carried;
  }

  /**
   * Whether the lines, or those just above, hold the words of the question that the sentence repeats. Around an item of
   * a list half of the question must stand.
   */
  private isOnSubject({ terms, order }: Sentence, { head, words }: Ground, first: number, last: number): boolean {
    const around = words.filter(({ line }) => line >= first - ATTRIBUTION.above && line <= last);
    const stands = ({ forms }: Term): boolean => around.some((word) => forms.some((form) => word.forms.has(form)));
    if (order.length < ATTRIBUTION.few) return shareOf(this.subject, stands) >= ATTRIBUTION.subject;
    const isHere = (term: Term): boolean => stands(term) || term.forms.some((form) => head.has(form));
    const asked = terms.filter(({ isAsked }) => isAsked);
    return shareOf(asked, isHere) >= ATTRIBUTION.subject;
  }

  /** Whether a text has a word of the question. */
  isAboutQuestion(text: string): boolean {
    return wordsOf(text).some(({ forms }) => this.subject.some((term) => term.forms.some((form) => forms.has(form))));
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
      clauses: bare.split(CLAUSE).map((clause) => ({ terms: wordsOf(clause).flatMap(termOf), names: namesIn(clause) })),
      names: namesIn(bare),
      text: bare,
      words,
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
