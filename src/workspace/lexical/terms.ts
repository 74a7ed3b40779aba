import { LRUCache } from 'lru-cache';
import { stem } from './stem';
import { lightStem } from './stemmers';
import type { WrittenLanguage } from './written-language';

/**
 * Converts text to terms. A token is a run of letters, digits, `_` and `$`, or such runs joined by single hyphens
 * (kebab-case). Its terms are the stems of its parts (`getEnvironProxies` → get, environ, proxi). A token of several
 * parts also has the whole in lower case without separators (`getenvironproxies`). So `get_environ_proxies`,
 * `get-environ-proxies` and `getEnvironProxies` match. Runs of Han, kana, hangul and Thai give bigrams, words in
 * katakana trigrams. Letters are taken in one form: composed, of common width, in lower case. Prose of other languages
 * has stems of its own.
 */

/** Maximum length of an analysed token. Longer ones are encoded data. */
const MAX_TOKEN = 80;
/** Maximum number of parts of a token that become terms. */
const MAX_PARTS = 12;

/** Words without meaning of their own, in prose and in code. They have no postings. */
const STOP_WORDS = new Set(
  (
    'the a an of to and in is it its be by as at on that this these those are was were been or for with ' +
    'which will would should could can ' +
    'has have had does do did but so than then there their they them we you your our i he she his her'
  ).split(' '),
);

const enum Class {
  Other = 0,
  Lower = 1,
  Upper = 2,
  Digit = 3,
  /** `_` and `$`: within a token, between its parts. */
  Joiner = 4,
  Hyphen = 5,
  /** A letter of a script without spaces: each pair of neighbours is a term. */
  Ideograph = 6,
}

const ASCII = new Uint8Array(128);
for (let c = 0; c < 128; c++) {
  const s = String.fromCharCode(c);
  ASCII[c] = /[a-z]/.test(s)
    ? Class.Lower
    : /[A-Z]/.test(s)
      ? Class.Upper
      : /[0-9]/.test(s)
        ? Class.Digit
        : /[_$]/.test(s)
          ? Class.Joiner
          : s === '-'
            ? Class.Hyphen
            : Class.Other;
}

/** By Script_Extensions, so that the long vowel mark and iteration marks (ー ゝ 々) stay within their words. */
const IDEOGRAPH = /(?=[\p{L}\p{M}\p{Nl}])[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hangul}\p{Script=Thai}]/u;
/** Marks above Latin letters share scripts with kana. */
const LATIN_MARK = /[\u0300-\u036f]/;
const UPPER = /\p{Lu}/u;
const LETTER = /[\p{L}\p{M}]/u;
const DIGIT = /\p{N}/u;
const cachedClasses = new Map<number, Class>();

function classOf(code: number): Class {
  if (code < 128) return ASCII[code] as Class;
  let known = cachedClasses.get(code);
  if (known === undefined) {
    const s = String.fromCodePoint(code);
    known =
      IDEOGRAPH.test(s) && !LATIN_MARK.test(s)
        ? Class.Ideograph
        : UPPER.test(s)
          ? Class.Upper
          : LETTER.test(s)
            ? Class.Lower
            : DIGIT.test(s)
              ? Class.Digit
              : Class.Other;
    if (cachedClasses.size < 20_000) cachedClasses.set(code, known);
  }
  return known;
}

/**
 * Calls `visit(start, end, hash)` for every token of text[from, to). The 32-bit hash over UTF-16 units is a by-product
 * of the scan. It saves the indexer a substring for each token.
 */
export function scanTokens(
  text: string,
  from: number,
  to: number,
  visit: (start: number, end: number, hash: number) => void,
): void {
  let i = from;
  while (i < to) {
    let code = text.charCodeAt(i);
    let kind: Class = code < 128 ? (ASCII[code] as Class) : classOf(text.codePointAt(i) as number);
    if (kind === Class.Other || kind === Class.Hyphen) {
      i += code >= 0xd800 && code < 0xdc00 ? 2 : 1;
      continue;
    }
    const start = i;
    const ideographs = kind === Class.Ideograph;
    let hash = 0x811c9dc5;
    while (i < to) {
      code = text.charCodeAt(i);
      kind = code < 128 ? (ASCII[code] as Class) : classOf(text.codePointAt(i) as number);
      if (kind === Class.Other || (kind === Class.Ideograph) !== ideographs) break;
      if (kind === Class.Hyphen && !joinsKebab(text, i, to)) break;
      hash = Math.imul(hash ^ code, 0x01000193);
      if (code >= 0xd800 && code < 0xdc00 && i + 1 < to) hash = Math.imul(hash ^ text.charCodeAt(++i), 0x01000193);
      i++;
    }
    visit(start, i, hash);
    const next = ideographs ? startOfNextLine(text, i, to) : 0;
    if (next > 0) visitAcross(text, wholeFrom(text, Math.max(start, i - 2)), wholeTo(text, next + 2, to), visit);
  }
}

/** Where the next line continues a run of ideographs that ends at `i`; 0 if none does. Wrapped lines cut words. */
function startOfNextLine(text: string, i: number, to: number): number {
  let at = i;
  let newlines = 0;
  for (; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x0a) newlines++;
    else if (code !== 0x20 && code !== 0x0d && code !== 0x09) break;
  }
  return newlines === 1 && at < to && classOf(text.codePointAt(at) as number) === Class.Ideograph ? at : 0;
}

/** Offsets that cut no character of two UTF-16 units. */
const isLow = (code: number): boolean => code >= 0xdc00 && code <= 0xdfff;
const wholeFrom = (text: string, at: number): number => (isLow(text.charCodeAt(at)) ? at - 1 : at);
const wholeTo = (text: string, at: number, to: number): number =>
  Math.min(to, isLow(text.charCodeAt(at)) ? at + 1 : at);

/** Visits the ideographs around the end of a line as a token of their own. */
function visitAcross(
  text: string,
  start: number,
  end: number,
  visit: (start: number, end: number, hash: number) => void,
): void {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  visit(start, end, hash);
}

/**
 * Whether a hyphen joins a letter with a letter or digit: `create-subscriber`, `utf-8`, but not `a--`, `->` or `3-4`.
 */
function joinsKebab(text: string, i: number, to: number): boolean {
  if (i + 1 >= to || i === 0) return false;
  const before = text.charCodeAt(i - 1);
  const after = text.charCodeAt(i + 1);
  const left = before < 128 ? ASCII[before] : Class.Other;
  const right = after < 128 ? ASCII[after] : Class.Other;
  return (
    (left === Class.Lower || left === Class.Upper) &&
    (right === Class.Lower || right === Class.Upper || right === Class.Digit)
  );
}

/** Splits a token at case changes, letter-digit borders and joiners: `HTTPServer2_name` → HTTP, Server, 2, name. */
export function splitIdentifier(token: string): string[] {
  const parts: string[] = [];
  const characters = [...token];
  const kinds = characters.map((c) => classOf(c.codePointAt(0) as number));
  let start = 0;
  for (let i = 0; i <= characters.length; i++) {
    const kind = kinds[i];
    const before = kinds[i - 1];
    const joiner = kind === Class.Joiner || kind === Class.Hyphen;
    const border =
      i === characters.length ||
      joiner ||
      before === Class.Joiner ||
      before === Class.Hyphen ||
      (kind === Class.Upper && before === Class.Lower) ||
      // The last capital of an acronym begins the next word: HTTP|Server.
      (kind === Class.Upper &&
        before === Class.Upper &&
        kinds[i + 1] === Class.Lower &&
        !isPluralAcronym(characters, kinds, i)) ||
      (kind === Class.Digit) !== (before === Class.Digit);
    if (!border || i === 0) {
      if (i === 0 && joiner) start = 1;
      continue;
    }
    if (i > start) parts.push(characters.slice(start, i).join(''));
    start = joiner ? i + 1 : i;
  }
  return parts;
}

/** Whether the capital before a final s ends an acronym: `URLs`. */
function isPluralAcronym(characters: readonly string[], kinds: readonly Class[], i: number): boolean {
  const next = kinds[i + 2];
  return characters[i + 1] === 's' && next !== Class.Lower;
}

/** Returns an identifier as a whole term: lower case, separators removed. */
export function wholeTerm(token: string): string {
  return folded(token.replace(/[_$-]/g, ''));
}

/** Letters in one form: composed, of common width, in lower case. */
const folded = (text: string): string =>
  isAscii(text) ? text.toLowerCase() : text.normalize('NFKC').toLowerCase().replace(/ς/g, 'σ');

const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text);

const CYRILLIC = /^\p{Script=Cyrillic}+$/u;

/**
 * Returns the term of one plain word. Undefined for a stop word or a single letter.
 * @param language language of the prose that the word stands in
 */
export function wordTerm(word: string, language: WrittenLanguage = 'en'): string | undefined {
  const lower = folded(word);
  if (STOP_WORDS.has(lower)) return undefined;
  if (lower.length < 2 && lower.charCodeAt(0) < 0x2e80) return undefined;
  if (/^\d+$/.test(lower)) return lower.length <= 8 ? lower : undefined;
  if (language !== 'en') return lightStem(lower, CYRILLIC.test(lower) ? 'ru' : language);
  return CYRILLIC.test(lower) ? lightStem(lower, 'ru') : stem(lower);
}

/** Returns all terms of one token, without repetition. The whole comes first when the token has several parts. */
export function tokenTerms(token: string, language: WrittenLanguage = 'en'): string[] {
  if (isIdeographic(token)) return /\s/.test(token) ? bigramsAcross(token) : bigrams(token);
  if (token.length > MAX_TOKEN) return [];
  const parts = splitIdentifier(token);
  if (parts.length === 1) {
    const term = wordTerm(parts[0] as string, language);
    return term === undefined ? [] : [term];
  }
  const terms = new Set<string>();
  const whole = wholeTerm(token);
  if (whole.length > 1) terms.add(whole);
  // A hash or base64 key is searchable as a whole; its parts are noise.
  if (token.length >= 16 && parts.length > token.length / 4 && /\d/.test(token)) return [...terms];
  for (const part of parts.slice(0, MAX_PARTS)) {
    const term = /^\d$/.test(part) ? undefined : wordTerm(part, language);
    if (term !== undefined) terms.add(term);
  }
  return [...terms];
}

const isIdeographic = (token: string): boolean => classOf(token.codePointAt(0) as number) === Class.Ideograph;

const MOST_CACHED_NAMES = 20_000;
const cachedNames = new LRUCache<string, readonly string[]>({ max: MOST_CACHED_NAMES });

/**
 * Returns the stems of the parts of a name, without repetition. Cached, because ranking requests the same names
 * repeatedly.
 */
export function nameTerms(name: string): readonly string[] {
  let terms = cachedNames.get(name);
  if (terms === undefined) {
    terms = [
      ...new Set(
        splitIdentifier(name)
          .map((part) => wordTerm(part))
          .filter((term) => term !== undefined),
      ),
    ];
    cachedNames.set(name, terms);
  }
  return terms;
}

const KATAKANA_WORD = /\p{Script=Katakana}[\p{Script=Katakana}ー]+/gu;

/**
 * Returns the overlapping pairs of a run of ideographs. A single ideograph is its own term. Words in katakana are
 * sounds: pairs of them occur in words that have nothing in common (ローダー, リーダー, ロール). So they have threes, and
 * their first and last pair as such, by which a short word finds the compounds that begin or end with it.
 */
function bigrams(run: string): string[] {
  const text = run.normalize('NFKC');
  const characters = [...text];
  if (characters.length === 1) return characters;
  const terms = new Set<string>();
  // Katakana takes one UTF-16 unit a letter, other ideographs may take two.
  const words = [...text.matchAll(KATAKANA_WORD)].map(({ index, 0: { length } }) => ({ index, end: index + length }));
  let at = 0;
  characters.forEach((character, i) => {
    const next = characters[i + 1];
    const isInWord = words.some(({ index, end }) => end - index > 2 && at >= index && at + 1 < end);
    if (next !== undefined && !isInWord) terms.add(character + next);
    at += character.length;
  });
  for (const { index, end } of words) {
    for (let i = index; i + 3 <= end; i++) terms.add(text.slice(i, i + 3));
    terms.add(`${text.slice(index, index + 2)}…`).add(`…${text.slice(end - 2, end)}`);
  }
  return [...terms];
}

/** The pairs and threes of a run that lie on both sides of the end of a line. */
function bigramsAcross(run: string): string[] {
  const [before = '', after = ''] = run.split(/\s+/);
  const within = new Set([...bigrams(before), ...bigrams(after)]);
  return bigrams(before + after).filter((term) => !within.has(term) && !term.includes('…'));
}

/**
 * Returns the terms of a text with repetition, in token order. For names, paths and questions; the indexer uses
 * `TokenTable`.
 */
export function textTerms(text: string, language: WrittenLanguage = 'en'): string[] {
  const terms: string[] = [];
  scanTokens(text, 0, text.length, (start, end) => {
    terms.push(...tokenTerms(text.slice(start, end), language));
  });
  return terms;
}

/** Prefixes for exact definition names and words of paths, which share one dictionary with the body's terms. */
export const definitionTerm = (name: string): string => `=${wholeTerm(name)}`;
export const pathTerm = (term: string): string => `/${term}`;
/**
 * Returns the term of a file's whole name without its last extension: "create-subscriber.js" → `/=createsubscriber`.
 */
export const stemTerm = (fileStem: string): string => `/=${wholeTerm(fileStem.replace(/\./g, ''))}`;
