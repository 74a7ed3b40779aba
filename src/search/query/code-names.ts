import { splitIdentifier } from '../../workspace';
import { isLoneLetter } from './name-patterns';
import { isStopWord } from './vocabulary';

/** Files of prose and settings ("robots.txt"), whose name and extension are not names of code. */
const PROSE_OR_SETTINGS = /\.(txt|md|rst|toml|ya?ml|ini|cfg)$/i;

/**
 * Removes the backticks around names, which would change the model's tokens: a name after a space is tokenized as in
 * code.
 */
export const withBareNames = (question: string): string =>
  question.replace(/`([\p{L}_$][\p{L}\p{N}_$.:-]*(?:\(\))?)`/gu, '$1');

/** Splits a name into lower-case words: `HTTPAdapter2` → http, adapter; `max_retry` → max, retry. */
export const identifierWords = (name: string): string[] =>
  splitIdentifier(name)
    .filter((part) => !/^\d+$/.test(part))
    .map((part) => part.toLowerCase());

/**
 * Finds names of code in a sentence, as written: words that occur only in code, quoted words, called functions,
 * capitalized words within a sentence.
 */
export function codeNames(text: string): string[] {
  const names = new Set<string>();
  for (const quoted of text.matchAll(/[`'"]([\p{L}_$][\p{L}\p{N}_$.:]*)(?:\(\))?[`'"]/gu)) {
    for (const part of (quoted[1] ?? '').split(/[.:]+/)) if (part.length > 0) names.add(part);
  }
  for (const { 0: letter, index } of text.matchAll(/(?<![\p{L}\p{N}_$.])[b-hj-z](?![\p{L}\p{N}_$])/gu))
    if (isLoneLetter(letter, text.slice(index - 1, index), text.slice(index + 1, index + 3))) names.add(letter);
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
  // A capitalized word within a sentence is usually a class ("the Session class", "Blueprint").
  for (const match of text.matchAll(/(?<=[\p{Ll},]\s)\p{Lu}\p{Ll}{2,}\p{L}*\b/gu)) names.add(match[0]);
  return [...names];
}
