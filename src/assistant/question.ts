/**
 * What can be read off a question without a model: its content words, the names of code in it, and the form it has
 * ("where is", "who calls"), which decides what an extractive answer quotes.
 */

import { readIntent } from '../search/intent';

export type QuestionForm = 'where' | 'how' | 'what' | 'why' | 'users' | 'value' | 'other';

export interface Question {
  text: string;
  form: QuestionForm;
  /** Content words, lower case, reduced to a stem, with a weight: names of code weigh more. */
  terms: ReadonlyMap<string, number>;
  /** Names of code as written: `quoted`, camelCase, snake_case, dotted, call(). */
  names: readonly string[];
  /** The question asks for tests, examples or documentation itself. */
  wants: { tests: boolean; docs: boolean };
}

/** What the project's own name counts beside another word of the question. */
const OWN_NAME = 0.3;

const STOP_WORDS = new Set(
  `a about above after all also am an and any are as at be because been before being between both but by can could did do does doing done
  down during each every few for from further get gets give given goes had happen happens has have having here how i if in
  into is it its itself just kind let like made make makes many may me means might more most much must my no nor not now of off on
  once one only onto or other our out over own part please rather s same see shall she should show so some such t take takes than that the their
  them then there these they thing things this those through thus to too under until up upon us use used uses using very via was way
  we were what when where whether which while who whom whose why will with within without work works would you your exactly
  code file files project repository repo codebase explain tell describe find implemented implementation implement implements located defined
  mechanism relationship role purpose responsible specific handle handled handles`.split(/\s+/),
);

/**
 * @param ownNames what the project as a whole is called, lower case: said in passing ("How does Caddy …"), hardly ever
 * what is asked about
 */
export function parseQuestion(text: string, ownNames: readonly string[] = []): Question {
  const isOwn = (word: string) => ownNames.includes(word.toLowerCase());
  const names = codeNames(text).filter((name) => !isOwn(name) || text.includes(`\`${name}\``));
  const terms = new Map<string, number>();
  const add = (word: string, weight: number) => {
    const stem = stemOf(word);
    if (stem.length > 0) terms.set(stem, Math.max(terms.get(stem) ?? 0, weight));
  };
  for (const word of text.match(/[\p{L}_$][\p{L}\p{N}_$]*|\d+/gu) ?? []) {
    const isName = names.includes(word) || names.includes(`${word}!`);
    if (!isName && STOP_WORDS.has(word.toLowerCase())) continue;
    if (isName) add(word.toLowerCase(), 2);
    for (const part of wordParts(word)) {
      if (!STOP_WORDS.has(part) && part.length > 1) add(part, isName ? 1.2 : isOwn(word) ? OWN_NAME : 1);
    }
  }
  // Nothing but stop words ("what does it do?"): then they are all there is to go by.
  if (terms.size === 0) for (const word of text.match(/[\p{L}\p{N}_$]+/gu) ?? []) add(word.toLowerCase(), 1);
  const plain = text.toLowerCase();
  return {
    text,
    form: formOf(plain, names.length > 0),
    terms,
    names,
    wants: {
      tests: readIntent(text).tests && /\btest(s|ed)?\b|\bspecs?\b/.test(plain),
      docs: /\bdocs?\b|\bdocument(ed|ation)\b|\breadme\b|\bchangelog\b/.test(plain),
    },
  };
}

function formOf(plain: string, namesCode: boolean): QuestionForm {
  if (
    namesCode &&
    /\b(who|what|which|where)\b[^?]*\b(calls?|uses|used|called|invoked|invokes|references?|referenced|depends on|imports?|imported)\b/.test(
      plain,
    )
  )
    return 'users';
  if (/\bwhat happens\b/.test(plain)) return 'how';
  if (/\b(default|value of|what value|how many|how long|how large|limit|constant|version|which port)\b/.test(plain))
    return 'value';
  if (/^\W*(where|which (file|module|class|function|method|part))\b|\bwhere (is|are|does|do|in)\b/.test(plain))
    return 'where';
  if (/\bhow\b/.test(plain)) return 'how';
  if (/\bwhy\b/.test(plain)) return 'why';
  if (/\bwhat\b|\bwhich\b/.test(plain)) return 'what';
  return 'other';
}

/**
 * The question with its names out of their backticks, as a model is to read it: behind a space a name falls into the
 * tokens that it has in code, behind a backtick into others.
 */
export const withBareNames = (question: string): string =>
  question.replace(/`([\p{L}_$][\p{L}\p{N}_$.:-]*(?:\(\))?)`/gu, '$1');

/** Files of prose and settings ("robots.txt"): neither half of such a name is one of code. */
const PROSE_OR_SETTINGS = /\.(txt|md|rst|toml|ya?ml|ini|cfg)$/i;

/** Words that only code has, what stands in backticks and what is called. */
export function codeNames(text: string): string[] {
  const names = new Set<string>();
  for (const quoted of text.matchAll(/[`'"]([\p{L}_$][\p{L}\p{N}_$.:]*)(?:\(\))?[`'"]/gu)) {
    for (const part of (quoted[1] ?? '').split(/[.:]+/)) if (part.length > 1) names.add(part);
  }
  for (const word of text.match(/[\p{L}_$][\p{L}\p{N}_$]*(?:(?:\.|::)[\p{L}_$][\p{L}\p{N}_$]*)*(?:\(\))?/gu) ?? []) {
    const parts = word
      .replace(/\(\)$/, '')
      .split(/\.|::/)
      .filter((part) => part.length > 0);
    const dotted = parts.length > 1 && !/^(e\.g|i\.e|etc)/.test(word) && !PROSE_OR_SETTINGS.test(word);
    for (const part of parts) {
      const codeLike =
        /[\p{L}\p{N}]_[\p{L}\p{N}]|^_+\p{L}/u.test(part) ||
        /\p{Ll}\p{Lu}/u.test(part) ||
        /^\p{Lu}{2,}\p{Ll}+/u.test(part);
      if (codeLike || dotted || word.endsWith('()')) names.add(part);
    }
  }
  // Ruby's `wakeup!` within a sentence; and whatever is said to be called, for only code is.
  for (const match of text.matchAll(/(?<![\p{L}\p{N}_$])[\p{Ll}_][\p{L}\p{N}_]*!(?=[?.,;:)]|\s+\p{Ll})/gu))
    names.add(match[0]);
  const called =
    /\b(?:who|what|which \p{L}+)\s+(?:calls?|invokes?)\s+(?:the\s+)?([\p{L}_$][\p{L}\p{N}_$]*!?)(?:\s+(?:function|method))?\s*\??\s*$/iu.exec(
      text,
    )?.[1];
  if (called !== undefined && !STOP_WORDS.has(called.toLowerCase())) names.add(called);
  // A capitalised word inside a sentence is a class more often than not ("the Session class", "Blueprint").
  for (const match of text.matchAll(/(?<=[\p{Ll},]\s)\p{Lu}\p{Ll}{2,}\p{L}*\b/gu)) names.add(match[0]);
  return [...names];
}

/** The words a name is made of, lower case: `HTTPAdapter2` → http, adapter, 2; `max_retry` → max, retry. */
export function wordParts(name: string): string[] {
  return name
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu}+)(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part.length > 0);
}

/**
 * A light English stem, so that "dispatches", "dispatching" and "dispatched" meet `dispatch`. Over-stemming costs more
 * than it finds here, hence only inflections.
 */
export function stemOf(word: string): string {
  if (word.length <= 3 || /[^a-z]/.test(word)) return word;
  let stem = word;
  if (stem.endsWith('ies') && stem.length > 4) stem = `${stem.slice(0, -3)}y`;
  else if (/(ss|x|ch|sh|z)es$/.test(stem)) stem = stem.slice(0, -2);
  else if (stem.endsWith('s') && !/(ss|us|is)$/.test(stem)) stem = stem.slice(0, -1);
  if (stem.endsWith('ing') && /[aeiouy]/.test(stem.slice(0, -3)) && stem.length > 5) stem = undouble(stem.slice(0, -3));
  else if (stem.endsWith('ed') && /[aeiouy]/.test(stem.slice(0, -2)) && stem.length > 4)
    stem = undouble(stem.slice(0, -2));
  // "cache", "caching" and "cached" share `cach`; "resolve" and "resolution" stay apart.
  return stem.length > 4 && stem.endsWith('e') ? stem.slice(0, -1) : stem;
}

function undouble(stem: string): string {
  return /([bdfgmnprt])\1$/.test(stem) ? stem.slice(0, -1) : stem;
}

/** Stems of the words in a line of code or prose. */
export function stemsIn(text: string): Set<string> {
  const stems = new Set<string>();
  for (const word of text.match(/[\p{L}_$][\p{L}\p{N}_$]*|\d+/gu) ?? []) {
    stems.add(word.toLowerCase());
    for (const part of wordParts(word)) stems.add(stemOf(part));
  }
  return stems;
}
