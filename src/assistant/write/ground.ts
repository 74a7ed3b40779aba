/** Units as sequences of words, which sentences are held against. */
import { splitLines } from '../../base';
import { termsIn } from '../../search';
import type { Unit } from './units';

export interface Word {
  /** Stems, the word as written, and a number in digits. */
  forms: ReadonlySet<string>;
  text: string;
  /** Index of its line in the unit; 0 in a sentence. */
  line: number;
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
    words: splitLines(unit.text).flatMap((line, i) => wordsOf(line, i)),
  };
}

export function wordsOf(text: string, line = 0): Word[] {
  const words: Word[] = [];
  let reach = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    if (NEGATION.test(token)) {
      reach = NEGATION_REACH + 1;
    } else if (BREAK.test(token)) {
      reach = 0;
      continue;
    }
    reach -= reach > 0 ? 1 : 0;
    words.push({ forms: formsOf(token), text: token, line, denied: reach > 0 || NEGATION.test(token) });
  }
  return words;
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

function numberOf(token: string): string | undefined {
  if (/^\d/.test(token)) return token.replace(/(?<=\d)[,_](?=\d)/g, '');
  const spelled = NUMBERS.indexOf(token.toLowerCase());
  return spelled < 0 ? undefined : String(spelled);
}
