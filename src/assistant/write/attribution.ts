/**
 * Binds each sentence of a draft to the lines that carry it. Small models do not cite reliably, so their markers are
 * ignored. A sentence is carried if its lines hold every name and number in it and most of its words. Words of the
 * question are no grounds: a sentence that only repeats them says nothing.
 */
import type { Span } from '../../protocol';
import { splitLines } from '../../base';
import { analyseQuestion, termsIn } from '../../search';
import { namesIn } from '../citations';
import type { Unit } from './units';

export interface Carried {
  /** Lines that carry the sentence, best first. */
  spans: readonly (Span & { unit: Unit })[];
  /** Share (0…1) of the sentence's own words that the lines hold. */
  share: number;
}

/** Minimum share of a sentence's own words in its lines. */
const ENOUGH = 0.6;
/** Lines of one place, and places of one sentence. */
const WINDOW_LINES = 12;
const PLACES = 2;
/** A second place must add this share. */
const ADDS = 0.15;
/** Weight of words of design talk ("method", "returns"): nearly every sentence has some. */
const TALK = 0.25;

interface Term {
  /** The term or one of its short forms is in a line. */
  forms: readonly string[];
  weight: number;
}

interface Ground {
  unit: Unit;
  /** Terms and words of the unit's path and label, which stand for all its lines. */
  head: ReadonlySet<string>;
  lines: readonly ReadonlySet<string>[];
}

interface Place {
  ground: Ground;
  first: number;
  last: number;
  found: ReadonlySet<Term>;
}

const NEGATION = /^(not|never|no|none|without|cannot|nor|neither)$|n['’]t$/i;
const NEGATIVE =
  /^(not|never|no|none|null|nil|without|cannot|nor|neither|unless|except|avoid|only|if|false|skip\w*|ignor\w*|refus\w*|reject\w*|disab\w*)$|n['’]t$|^!$/i;
/** Words after a negation that it may be about. */
const NEGATION_REACH = 5;

export class Attribution {
  private readonly grounds: readonly Ground[];
  private readonly lineCount: number;
  private readonly asked: ReadonlySet<string>;

  constructor(units: readonly Unit[], question: string) {
    this.grounds = units.map((unit) => ({
      unit,
      head: wordsIn(`${unit.path} ${unit.label}`),
      lines: splitLines(unit.text).map(wordsIn),
    }));
    this.lineCount = this.grounds.reduce((sum, { lines }) => sum + lines.length, 0);
    this.asked = wordsIn(question);
  }

  /** The lines that carry a sentence; undefined if none do. */
  attribute(sentence: string): Carried | undefined {
    const terms = this.termsOf(sentence);
    const own = terms.filter(({ forms }) => !forms.some((form) => this.asked.has(form)));
    const total = own.reduce((sum, { weight }) => sum + weight, 0);
    if (total === 0) return undefined;
    const demanded = [...namesIn(sentence), ...numbersIn(sentence)];
    const places: Place[] = [];
    let found = new Set<Term>();
    while (places.length < PLACES) {
      const best = this.bestPlace(terms, own, found, demanded);
      if (!best) break;
      const added = weightOf([...best.found].filter((term) => own.includes(term) && !found.has(term)));
      if (places.length > 0 && added < ADDS * total) break;
      places.push(best);
      found = new Set([...found, ...best.found]);
      if (own.every((term) => found.has(term))) break;
    }
    const share = weightOf(own.filter((term) => found.has(term))) / total;
    if (share < ENOUGH || !demanded.every((word) => places.some((place) => holds(place, word)))) return undefined;
    if (!deniesTheSame(sentence, places.map(textOf).join('\n'))) return undefined;
    return {
      share,
      spans: places.map(({ ground: { unit }, first, last }) => ({
        file: unit.file,
        path: unit.path,
        startLine: unit.startLine + first,
        endLine: unit.startLine + last,
        unit,
      })),
    };
  }

  /** The window with most of the sentence that is not found yet. Names and numbers count most. */
  private bestPlace(
    terms: readonly Term[],
    own: readonly Term[],
    before: ReadonlySet<Term>,
    demanded: readonly string[],
  ): Place | undefined {
    let best: { place: Place; score: number } | undefined;
    for (const ground of this.grounds) {
      const lines = ground.lines.map((words) => terms.filter(({ forms }) => forms.some((form) => words.has(form))));
      const head = terms.filter(({ forms }) => forms.some((form) => ground.head.has(form)));
      for (let first = 0; first < lines.length; first++) {
        if ((lines[first] as Term[]).length === 0) continue;
        const found = new Set<Term>(head);
        let score = 0;
        for (const term of head) score += before.has(term) ? 0 : term.weight * (own.includes(term) ? 1 : 0.3);
        for (let last = first; last < Math.min(lines.length, first + WINDOW_LINES); last++) {
          const fresh = (lines[last] as Term[]).filter((term) => !found.has(term));
          const named = demanded.filter((word) => (ground.lines[last] as ReadonlySet<string>).has(word)).length;
          if (fresh.length === 0 && named === 0) continue;
          for (const term of fresh) {
            found.add(term);
            if (!before.has(term)) score += term.weight * (own.includes(term) ? 1 : 0.3);
          }
          // Among equal places the shortest is cited.
          const dense = score + named - 0.02 * (last - first);
          if (score > 0 && (!best || dense > best.score))
            best = { place: { ground, first, last, found: new Set(found) }, score: dense };
        }
      }
    }
    return best?.place;
  }

  /** The sentence's words of content with their rarity among the lines read. A word that no line has weighs most. */
  private termsOf(sentence: string): Term[] {
    const bare = sentence.replace(/\[\d+\]/g, ' ');
    return analyseQuestion(bare).terms.map(({ term, weight, alternatives = [] }) => {
      const forms = [term, ...alternatives.map((each) => each.term)];
      const having = this.grounds.reduce(
        (sum, { lines }) => sum + lines.filter((words) => forms.some((form) => words.has(form))).length,
        0,
      );
      const rarity = Math.log(1 + this.lineCount / (having + 0.5)) / Math.log(1 + 2 * this.lineCount);
      return { forms, weight: rarity * (weight < 0.5 ? TALK : 1) };
    });
  }
}

/**
 * Whether each negation of a sentence stands before the same word in its lines. "Not using `var`" is not carried by
 * "use `const`; not doing so …".
 */
function deniesTheSame(sentence: string, lines: string): boolean {
  const words = (text: string): string[] => text.match(/[\p{L}_$][\p{L}\p{N}_$'’]*|!/gu) ?? [];
  const said = words(sentence);
  const source = words(lines);
  const denied = new Set<string>();
  source.forEach((word, i) => {
    if (!NEGATIVE.test(word)) return;
    for (const next of source.slice(i + 1, i + 1 + NEGATION_REACH)) for (const term of wordsIn(next)) denied.add(term);
  });
  return said.every((word, i) => {
    if (!NEGATION.test(word)) return true;
    const next = said.slice(i + 1).find((each) => analyseQuestion(each).terms.length > 0);
    return next === undefined ? denied.size > 0 : [...wordsIn(next)].some((term) => denied.has(term));
  });
}

function holds({ ground, first, last }: Place, word: string): boolean {
  return ground.head.has(word) || ground.lines.slice(first, last + 1).some((words) => words.has(word));
}

function textOf({ ground, first, last }: Place): string {
  return splitLines(ground.unit.text)
    .slice(first, last + 1)
    .join('\n');
}

function weightOf(terms: readonly Term[]): number {
  return terms.reduce((sum, { weight }) => sum + weight, 0);
}

/** Stems, and words as written. */
function wordsIn(text: string): Set<string> {
  const words = termsIn(text);
  for (const word of text.match(/[\p{L}_$][\p{L}\p{N}_$]*|\d+(?:\.\d+)*/gu) ?? []) words.add(word);
  return words;
}

function numbersIn(sentence: string): string[] {
  return sentence.replace(/\[\d+\]/g, ' ').match(/(?<![\p{L}\p{N}_])\d+(?:\.\d+)*(?![\p{L}\p{N}_])/gu) ?? [];
}
