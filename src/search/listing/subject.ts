/** The subject of a question for all things of a kind: "all built-in encoders" → encoders, built-in. */
import { scanTokens, tokenTerms } from '../../workspace';
import { isStopWord } from '../query/vocabulary';

export interface ListSubject {
  /** The noun of the things, as written, and its index term. */
  head: string;
  headTerm: string;
  /** Index terms of the words that tell which of them: before the head, and after it. */
  terms: ReadonlySet<string>;
}

/** Words that ask for a list, or say that a thing exists; none of them tells which things. */
const ASKING = new Set(
  (
    'list enumerate name show give tell me all every each available supported possible built builtin builtins ' +
    'different valid known existing allowed exist exists provided defined implemented offered please currently there ' +
    'kinds types kind type sorts names complete full serves has have default standard ' +
    'provide support offer include contain ship come define expose recognize recognise understand'
  ).split(' '),
);

/** The noun phrase ends before these words. */
const BEHIND =
  /(?<![\p{L}-])(?:that|which|of|in|for|from|by|with|to|on|are|is|can|does|do|has|have|exist\w*|read|used|the|and)(?![\p{L}-])/iu;

/**
 * Undefined when no noun is found.
 *
 * @param ownNames names of the project, which all its things have in common
 */
export function subjectOfList(question: string, ownNames: readonly string[] = []): ListSubject | undefined {
  const start =
    /^\W*(?:please\s+)?(?:(?:list|enumerate|name|show|give|tell)\b(?:\s+me\b)?|(?:what|which)(?:\s+are)?\b|all\b)(?:\s+(?:all|every|each|of|the|available|supported|possible)\b)*(?:\s+(?:kinds|types|sorts)\s+of\b)?/i.exec(
      question,
    )?.[0] ?? '';
  const rest = question
    .slice(start.length)
    .replace(/[?.!]+\s*$/, '')
    .replace(/\bbuilt-?in\b/gi, '');
  const end = BEHIND.exec(rest)?.index ?? rest.length;
  const phrase = wordsOf(rest.slice(0, end));
  const head = phrase.at(-1);
  const headTerm = head === undefined ? undefined : tokenTerms(head)[0];
  if (head === undefined || headTerm === undefined) return undefined;
  const own = new Set(ownNames.flatMap((name) => tokenTerms(name)));
  const others = [...phrase.slice(0, -1), ...wordsOf(rest.slice(end))];
  return {
    head,
    headTerm,
    terms: new Set(others.flatMap((word) => tokenTerms(word)).filter((term) => term !== headTerm && !own.has(term))),
  };
}

function wordsOf(text: string): string[] {
  const words: string[] = [];
  scanTokens(text, 0, text.length, (start, end) => {
    const word = text.slice(start, end);
    // "Parameter types" are types; "types of parameters" are parameters.
    const isKind = words.length > 0 && end === text.trimEnd().length && /^(?:kinds|types|sorts)$/i.test(word);
    if (isKind || (!ASKING.has(word.toLowerCase()) && !isStopWord(word.toLowerCase()))) words.push(word);
  });
  return words;
}
