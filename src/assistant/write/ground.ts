/** Units as sequences of words, which sentences are held against. */
import { splitLines } from '../../base';
import { termsIn } from '../../search';
import { continues } from './statements';
import type { Unit } from './units';

export interface Word {
  /** Stems, the word as written, and a number in digits. */
  forms: ReadonlySet<string>;
  text: string;
  /** Index of its line in the unit; 0 in a sentence. */
  line: number;
  /** Index of its statement in the unit; in a text the number of sentences before. */
  statement: number;
  /** It follows a negation in its clause. */
  denied: boolean;
}

export interface Ground {
  unit: Unit;
  /** Words of the unit's path and label, which stand for all its lines. */
  head: ReadonlySet<string>;
  /** The same as written. */
  titled: ReadonlySet<string>;
  words: readonly Word[];
}

const NEGATION = /^(not|never|no|none|without|cannot|nor|neither)$|n['’]t$|^!$/i;
/** Words after a negation that it may be about. */
const NEGATION_REACH = 5;
const TOKEN = /[\p{L}_$][\p{L}\p{N}_$]*(?:['’]\p{L}+)?|\d+(?:[.,_]\d+)*|!(?=[\p{L}_$(])|[.;:!?](?=\s|$)/gu;
const BREAK = /^[.;:!?]$/;
const END = /^[.!?]$/;
/** A line that ends a sentence. */
const ENDS = /[.!?]["'’”)\]*]*\s*$/;
const NUMBERS = (
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen ' +
  'eighteen nineteen twenty'
).split(' ');

export function groundOf(unit: Unit): Ground {
  const title = wordsOf(`${unit.path} ${unit.label}`);
  return {
    unit,
    head: new Set(title.flatMap(({ forms }) => [...forms])),
    titled: new Set(title.map(({ text }) => text)),
    words: wordsOfLines(splitLines(unit.text)),
  };
}

function wordsOfLines(lines: readonly string[]): Word[] {
  const words: Word[] = [];
  let statement = 0;
  lines.forEach((line, i) => {
    if (i > 0 && !continues(lines[i - 1] as string, line)) statement += 1;
    const own = wordsOf(line, i, statement);
    words.push(...own);
    statement = own.at(-1)?.statement ?? statement;
    if (ENDS.test(line)) statement += 1;
  });
  return inOrder(words);
}

/** Numbers the statements that have words; one of a single word ("Why?") belongs to the next in its line. */
function inOrder(words: readonly Word[]): Word[] {
  let [number, size] = [0, 0];
  return words.map((word, i) => {
    const before = words[i - 1];
    const isNew = before !== undefined && word.statement !== before.statement;
    const begins = isNew && (size > 1 || word.line !== before.line);
    if (begins) number += 1;
    size = begins ? 1 : size + 1;
    return { ...word, statement: number };
  });
}

export function wordsOf(text: string, line = 0, statement = 0): Word[] {
  const words: Word[] = [];
  let reach = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    if (NEGATION.test(token)) {
      reach = NEGATION_REACH + 1;
    } else if (BREAK.test(token)) {
      reach = 0;
      if (END.test(token)) statement += 1;
      continue;
    }
    reach -= reach > 0 ? 1 : 0;
    words.push({ forms: formsOf(token), text: token, line, statement, denied: reach > 0 || NEGATION.test(token) });
  }
  return words;
}

/** Words that bound a number from above or from below. */
const MOST = /^(?:within|until|under|below|maximum|most|max)$/i;
const LEAST = /^(?:after|over|above|exceeds?|minimum|least|min)$/i;
const BOUND_REACH = 4;

/** How the word at an index is bounded by those before it: "within 90 days", "at least 3". */
export function boundOf(words: readonly Word[], at: number): 'most' | 'least' | undefined {
  for (let i = at - 1; i >= 0 && i >= at - BOUND_REACH; i--) {
    const { text } = words[i] as Word;
    // "More than 3" and "less than 3"; a negation before them turns them round.
    const before = words[i - 1]?.text ?? '';
    const isMost = MOST.test(text) || (/^than$/i.test(text) && /^(?:less|fewer)$/i.test(before));
    const isLeast = LEAST.test(text) || (/^than$/i.test(text) && /^(?:more|greater)$/i.test(before));
    if (!isMost && !isLeast) continue;
    const isTurned = isNegation(words[i - 2] ?? (words[i] as Word)) && /^than$/i.test(text);
    return isMost !== isTurned ? 'most' : 'least';
  }
  return undefined;
}

/** Numbers of a text, in digits. "One" is seldom a number. */
export function numbersIn(words: readonly Word[]): string[] {
  return words.flatMap(({ text }) => (/^one$/i.test(text) ? [] : (numberOf(text) ?? [])));
}

export function isNegation({ text }: Word): boolean {
  return NEGATION.test(text);
}

/** Words that the negation at an index may be about. */
export function deniedAfter(words: readonly Word[], negation: number): Word[] {
  const after = words.slice(negation + 1, negation + 1 + NEGATION_REACH);
  const end = after.findIndex(({ denied }) => !denied);
  return end < 0 ? after : after.slice(0, end);
}

function formsOf(token: string): Set<string> {
  const forms = termsIn(token);
  forms.add(token);
  const number = numberOf(token);
  if (number !== undefined) forms.add(number);
  return forms;
}

export function numberOf(token: string): string | undefined {
  if (/^\d/.test(token)) return token.replace(/(?<=\d)[,_](?=\d)/g, '');
  const spelled = NUMBERS.indexOf(token.toLowerCase());
  return spelled < 0 ? undefined : String(spelled);
}
