/** Whether lines say the same of a sentence's words: names, numbers and their bounds, lists, denials. */
import { boundOf, isNegation, numberOf, type Ground, type Word } from './ground';
import { ATTRIBUTION, shareOf, type Clause, type Match, type Sentence, type Term } from './measure';

/** Names in quotes or backticks. */
const QUOTED = /`([^`]+)`|"([^"]+)"|'([^'\s]+)'|“([^”]+)”/g;
const SEPARATOR = /^(?:\s|,|\/|\||and|or|&)*$/i;
/** Words that announce a part of a list. */
const PARTIAL = /\b(?:such as|like|includ(?:e|es|ing)|for (?:example|instance)|e\.g\.|among|one of|some|any of)\b/i;
/** Names in a row that make a list. */
const LIST = 3;

/** Whether every number stands in the lines, bounded in the same way. */
export function numbersAgree(sentence: readonly Word[], place: readonly Word[]): boolean {
  return sentence.every((word, i) => {
    const number = numberOf(word.text);
    if (number === undefined || /^one$/i.test(word.text)) return true;
    const bound = boundOf(sentence, i);
    return place.some(({ forms }, at) => {
      if (!forms.has(number)) return false;
      const other = boundOf(place, at);
      return bound === undefined || other === undefined || bound === other;
    });
  });
}

/** A sentence that lists some of the names of a list, as if they were all. */
export function isPartOfList(sentence: string, text: string): boolean {
  if (PARTIAL.test(sentence)) return false;
  const told = new Set(quotedIn(sentence).flat());
  if (told.size < 2) return false;
  return quotedIn(text).some((list) => {
    const shared = list.filter((name) => told.has(name));
    return list.length >= LIST && shared.length >= 2 && shared.length < new Set(list).size;
  });
}

/** Quoted names of a text, by the lists that they stand in. */
function quotedIn(text: string): string[][] {
  const lists: string[][] = [];
  let end = 0;
  for (const match of text.matchAll(QUOTED)) {
    const name = (match[1] ?? match[2] ?? match[3] ?? match[4] ?? '').replace(/^["'`]|["'`]$/g, '');
    if (lists.length > 0 && SEPARATOR.test(text.slice(end, match.index))) lists.at(-1)?.push(name);
    else lists.push([name]);
    end = match.index + match[0].length;
  }
  return lists;
}

/** Options of a command and names with hyphens, without the hyphens before them. */
function optionsIn(sentence: string): string[] {
  return [...sentence.matchAll(/`(?:--?([\p{L}\d][\p{L}\d-]*)|([\p{L}\d_]+(?:-[\p{L}\d_]+)+))`/gu)].map(
    ([, option, name]) => option ?? name ?? '',
  );
}

/** Whether a text has the whole name: "--exec" does not stand in "--exec-batch". */
function hasOption(text: string, option: string): boolean {
  return new RegExp(`(?<![\\p{L}\\d_]-?)${option}(?!-?[\\p{L}\\d_])`, 'u').test(text);
}

/** A sentence that has lost what it compares: "The first …". */
export const BARE =
  /^the (?:first|second|third|former|latter|other|last)(?: one)?\s+(?:is|are|has|have|does|do|uses?|will|can|may|\w+s)\b/i;

/** A sentence that sets names against each other: small models often exchange what they say of each. */
const CONTRAST = /\b(?:while|whereas|unlike|in contrast|by contrast|on the other hand)\b/i;

/** Whether a place holds what the sentence names, and denies the same. */
export function isTrueTo(
  { names, phrases, denials, clauses, text: sentence, words }: Sentence,
  { unit, titled }: Ground,
  place: readonly Word[],
  matches: readonly Match[],
): boolean {
  if (!names.every((name) => titled.has(name) || place.some(({ text }) => text === name))) return false;
  if (!numbersAgree(words, place)) return false;
  if (!clauses.every((clause) => isSaidOfNames(clause, titled, place, CONTRAST.test(sentence)))) return false;
  const text = unit.text
    .split('\n')
    .slice(place[0]?.line ?? 0, (place.at(-1)?.line ?? 0) + 1)
    .join(' ');
  if (!optionsIn(sentence).every((option) => hasOption(`${unit.path} ${unit.label} ${text}`, option))) return false;
  if (!phrases.every((phrase) => collapsed(text).includes(phrase)) || isPartOfList(sentence, text)) return false;
  const here = matches.flatMap(({ word, terms }) => terms.map((term) => ({ term, isDenied: word.denied })));
  const deniedHere = new Set(here.flatMap(({ term, isDenied }) => (isDenied ? [term] : [])));
  const stated = new Set(here.flatMap(({ term, isDenied }) => (isDenied ? [] : [term])));
  if (denials.length === 0) return [...deniedHere].every((term) => stated.has(term));
  // The first word after a negation is the one that it denies.
  return denials.every(([first]) => (first ? deniedHere.has(first) : place.some(isNegation)));
}

/**
 * Whether one statement has the names of a clause and says most of it. The unit's own name stands for all of its lines.
 */
function isSaidOfNames(
  { terms, names }: Clause,
  titled: ReadonlySet<string>,
  place: readonly Word[],
  isContrast: boolean,
): boolean {
  const own = names.filter((name) => !titled.has(name));
  if (own.length === 0) return true;
  // The subject of the question may stand in the statement before.
  const said = isContrast ? terms : terms.filter(({ isAsked }) => !isAsked);
  const least = isContrast ? 1 : ATTRIBUTION.named;
  return [...new Set(place.map(({ statement }) => statement))].some((number) => {
    const words = place.filter(({ statement }) => statement === number);
    const isSaid = ({ forms }: Term): boolean => words.some((word) => forms.some((form) => word.forms.has(form)));
    return own.every((name) => words.some(({ text }) => text === name)) && shareOf(said, isSaid) >= least;
  });
}

export function collapsed(text: string): string {
  return text.replace(/\s+/g, ' ').toLowerCase();
}
