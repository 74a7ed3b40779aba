import { splitIdentifier } from '../../workspace';
import { isStopWord } from './vocabulary';

/** Files of prose and settings ("robots.txt"): neither part of such a name is a name of code. */
const PROSE_OR_SETTINGS = /\.(txt|md|rst|toml|ya?ml|ini|cfg)$/i;

/**
 * Removes the backticks around names. A model reads a name behind a space as the tokens it has in code; behind a
 * backtick it is other tokens.
 */
export const withBareNames = (question: string): string =>
  question.replace(/`([\p{L}_$][\p{L}\p{N}_$.:-]*(?:\(\))?)`/gu, '$1');

/** The words of a name, in lower case: `HTTPAdapter2` → http, adapter; `max_retry` → max, retry. */
export const identifierWords = (name: string): string[] =>
  splitIdentifier(name)
    .filter((part) => !/^\d+$/.test(part))
    .map((part) => part.toLowerCase());

/**
 * Names of code in a sentence, as written: words that only code has, quoted words, called functions, capitalized words
 * within a sentence.
 */
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
  // Ruby's `wakeup!` within a sentence.
  for (const match of text.matchAll(/(?<![\p{L}\p{N}_$])[\p{Ll}_][\p{L}\p{N}_]*!(?=[?.,;:)]|\s+\p{Ll})/gu))
    names.add(match[0]);
  // Only code is called: "who calls flush?".
  const called =
    /\b(?:who|what|which \p{L}+)\s+(?:calls?|invokes?)\s+(?:the\s+)?([\p{L}_$][\p{L}\p{N}_$]*!?)(?:\s+(?:function|method))?\s*\??\s*$/iu.exec(
      text,
    )?.[1];
  if (called !== undefined && !isStopWord(called.toLowerCase())) names.add(called);
  // A capitalized word within a sentence is a class more often than not ("the Session class", "Blueprint").
  for (const match of text.matchAll(/(?<=[\p{Ll},]\s)\p{Lu}\p{Ll}{2,}\p{L}*\b/gu)) names.add(match[0]);
  return [...names];
}
