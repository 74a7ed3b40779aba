import { IDENTIFIER_PATTERN, isLoneLetter, looksLikeFile, looksLikeIdentifier } from './name-patterns';
import { type Intent, readIntent } from './intent';
import { isStopWord, isTalkWord, shortForms } from './vocabulary';
import {
  definitionTerm,
  isFunctionWord,
  languageOfQuestion,
  scanTokens,
  splitIdentifier,
  tokenTerms,
  wholeTerm,
  MAX_QUERY_TERMS,
  type QueryTerm,
  type WrittenLanguage,
} from '../../workspace';
import { SEARCH_WEIGHTS, type TermWeights } from '../weights';

/** A name in the question to look up among definitions and file names. */
export interface SoughtName {
  /** The name as written, or the joined words. */
  text: string;
  /** Its index term (`definitionTerm`). */
  term: string;
  /** An identifier, a capitalized word within a sentence, or neighbouring words. */
  kind: 'identifier' | 'proper' | 'compound';
}

export interface AnalysedQuestion {
  text: string;
  terms: readonly QueryTerm[];
  /** The word of the question that produced each term, for display. */
  words: ReadonlyMap<string, string>;
  names: readonly SoughtName[];
  /** Paths and file names in the question, lower case, forward slashes. */
  files: readonly string[];
  /** Quoted text of two words or more, in lower case with white space collapsed. */
  phrases: readonly string[];
  intent: Intent;
  /** Language that the question is written in. */
  language: WrittenLanguage;
}

interface Token {
  text: string;
  quoted: boolean;
  identifier: boolean;
  /** Capitalized within a sentence. */
  proper: boolean;
  /** True when punctuation precedes it. */
  afterBreak: boolean;
  /** The project's own name, not written as code. */
  own: boolean;
  /** A word that every question may have ("where", "about"), unless it is quoted or part of a title. */
  stop: boolean;
  /** Factor on the token's weight; less than 1 for a token of the previous question. */
  share: number;
}

export interface QuestionContext {
  /** Names of the project as a whole, in lower case. */
  ownNames?: readonly string[] | undefined;
  /** The previous question, when this one depends on it. */
  before?: string | undefined;
}

/** Analyses a question: its weighted terms, names, paths and phrases, and the kind of file that can answer it. */
export function analyseQuestion(
  text: string,
  { ownNames = [], before = '' }: QuestionContext = {},
  weights: TermWeights = SEARCH_WEIGHTS.terms,
): AnalysedQuestion {
  const language = languageOfQuestion(text);
  const present = tokenize(text, ownNames, language);
  const little =
    before !== '' &&
    collectTerms(present, weights, language).filter(({ weight }) => weight >= weights.word).length <
      weights.enoughWords;
  const share = little ? weights.beforeLittle : weights.before;
  const tokens = [...present, ...tokenize(before, ownNames, language).map((token) => ({ ...token, share }))];
  return {
    text,
    terms: collectTerms(tokens, weights, language),
    words: new Map(
      tokens.flatMap((token) => termsOf(token.text, language).map((term) => [term, token.text] as const)).reverse(),
    ),
    names: collectNames(little ? tokens : present),
    files: mentionedFiles(little ? `${text} ${before}` : text),
    phrases: [...text.matchAll(/`([^`]+)`|"([^"]+)"/g)]
      .map((m) => (m[1] ?? m[2] ?? '').trim().replace(/\s+/g, ' ').toLowerCase())
      .filter((phrase) => /\s/.test(phrase)),
    intent: readIntent(little ? `${text} ${before}` : text),
    language,
  };
}

function tokenize(text: string, ownNames: readonly string[], language: WrittenLanguage): Token[] {
  const quoted = [...text.matchAll(/`[^`]*`|"[^"]*"|(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}])/gu)].map(
    (m) => [m.index, m.index + m[0].length] as const,
  );
  const tokens: Token[] = [];
  const isTitleCase = titleShare(text) > MOST_TITLE_SHARE;
  let previousEnd = 0;
  scanTokens(text, 0, text.length, (start, end) => {
    const token = text.slice(start, end);
    const between = text.slice(previousEnd, start);
    const inQuotes = quoted.some(([from, to]) => start >= from && end <= to);
    const sentenceStart = previousEnd === 0 || /[.?!:]\s/.test(between);
    const own = !inQuotes && ownNames.includes(token.toLowerCase());
    const proper = !own && !sentenceStart && /^\p{Lu}/u.test(token) && token.length > 2;
    tokens.push({
      text: token,
      quoted: inQuotes,
      own,
      stop: isStop(token.toLowerCase(), language) && !inQuotes && (language !== 'en' || !proper || isTitleCase),
      share: 1,
      identifier:
        looksLikeIdentifier(token, text.slice(end, end + 2), between) ||
        isLoneLetter(token, text.slice(start - 1, start), text.slice(end, end + 2)) ||
        (inQuotes &&
          IDENTIFIER_PATTERN.test(token) &&
          QUOTES.test(text[start - 1] ?? '') &&
          text[start - 1] === text[end]),
      proper,
      afterBreak: previousEnd === 0 || /[^\s-]/.test(between),
    });
    previousEnd = end;
  });
  return tokens;
}

const isStop = (word: string, language: WrittenLanguage): boolean =>
  isFunctionWord(word, language) || (language === 'en' && isStopWord(word));

const QUOTES = /[`"']/;

/** A question with a larger share of capitalized words is written like a title: they are no names. */
const MOST_TITLE_SHARE = 0.5;

function titleShare(text: string): number {
  const words = text.match(/\p{L}+/gu) ?? [];
  return words.filter((word) => /^\p{Lu}/u.test(word)).length / Math.max(1, words.length);
}

function collectTerms(tokens: readonly Token[], weights: TermWeights, language: WrittenLanguage): QueryTerm[] {
  const found = new Map<string, { weight: number; alternatives: boolean; english?: string }>();
  const offer = (term: string, weight: number, alternatives: boolean, english = term): void => {
    const known = found.get(term);
    if (known === undefined || known.weight < weight)
      found.set(term, {
        weight,
        alternatives: alternatives || (known?.alternatives ?? false),
        ...(english === term ? {} : { english }),
      });
  };
  for (const token of tokens) {
    const factor = token.share * (token.quoted ? weights.quoted : 1);
    const parts = splitIdentifier(token.text);
    if (parts.length === 1 && !token.identifier) {
      if (token.stop) continue;
      const [english] = tokenTerms(token.text);
      for (const term of tokenTerms(token.text, language))
        offer(
          term,
          factor *
            kanaShare(term) *
            (token.own ? weights.ownName : isTalkWord(term) && !token.quoted ? weights.talk : weights.word),
          true,
          language === 'en' ? term : english,
        );
      continue;
    }
    const whole = wholeTerm(token.text);
    const kebab = !token.identifier;
    for (const term of termsOf(token.text, language)) {
      const isWhole = term === whole && parts.length > 1;
      offer(
        term,
        factor * (isWhole ? weights.whole : kebab || parts.length === 1 ? weights.word : weights.part),
        !isWhole,
      );
    }
  }
  return [...found]
    .sort((a, b) => b[1].weight - a[1].weight)
    .slice(0, MAX_QUERY_TERMS)
    .map(([term, { weight, alternatives, english }]) => {
      // Code and English prose have the English stem.
      if (english !== undefined) return { term, weight, alternatives: [{ term: english, weight: 1 }] };
      const others = alternatives && language === 'en' && weights.shortForm > 0 ? shortForms(term) : [];
      return others.length > 0
        ? { term, weight, alternatives: others.map((other) => ({ term: other, weight: weights.shortForm })) }
        : { term, weight };
    });
}

/** Returns the terms of a token. A letter alone is no term of a text, only the name of a definition. */
function termsOf(token: string, language: WrittenLanguage): readonly string[] {
  const terms = tokenTerms(token, language);
  return terms.length > 0 || !/^[b-hj-z]$/.test(token) ? terms : [definitionTerm(token)];
}

/** Weight of a pair of hiragana: most belong to endings and particles. */
const KANA = 0.25;
/** Pairs of characters that ask, in Chinese. */
const ASKING = /^(?:什么|怎么|怎样|哪个|哪些|哪里|如何|为什|多少|可以|是否|的是|分别|个文|件里|时候)$/;

const kanaShare = (term: string): number => (/^\p{Script=Hiragana}+$/u.test(term) || ASKING.test(term) ? KANA : 1);

function collectNames(tokens: readonly Token[]): SoughtName[] {
  const names = new Map<string, SoughtName>();
  const offer = (text: string, kind: SoughtName['kind']): void => {
    const term = definitionTerm(text);
    if (term.length > (kind === 'identifier' ? 1 : 2) && !names.has(term)) names.set(term, { text, term, kind });
  };
  for (const token of tokens) if (token.identifier) offer(token.text, 'identifier');
  for (const token of tokens) if (token.proper && !token.identifier) offer(token.text, 'proper');
  // A component or a style is often written in kebab-case and defined in another casing.
  for (const token of tokens) if (token.text.includes('-')) offer(token.text, 'compound');
  for (const run of contentRuns(tokens))
    for (const size of [3, 2])
      for (let i = 0; i + size <= run.length; i++) {
        const words = run.slice(i, i + size);
        offer(words.join('_'), 'compound');
        const singular = (words.at(-1) as string).replace(/(?<=[^s])s$/, '');
        if (singular !== words.at(-1)) offer([...words.slice(0, -1), singular].join('_'), 'compound');
      }
  const order = ['identifier', 'proper', 'compound'];
  return [...names.values()].sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}

/** Returns runs of neighbouring content words. Punctuation, stop words and names separate them. */
function contentRuns(tokens: readonly Token[]): string[][] {
  const runs: string[][] = [];
  let run: string[] = [];
  const close = (): void => {
    if (run.length > 0) runs.push(run);
    run = [];
  };
  for (const token of tokens) {
    if (token.afterBreak) close();
    if (token.identifier || token.own || token.stop) {
      close();
      continue;
    }
    run.push(token.text);
  }
  close();
  return runs;
}

function mentionedFiles(text: string): string[] {
  const files = new Set<string>();
  for (const [candidate] of text.matchAll(/[\p{L}\p{N}_.@$+-]+(?:[/\\][\p{L}\p{N}_.@$+-]+)*/gu)) {
    const path = candidate
      .replace(/\\/g, '/')
      .replace(/[.,;:]+$/, '')
      .replace(/^\.\//, '')
      .toLowerCase();
    if (looksLikeFile(path)) files.add(path);
  }
  return [...files];
}
