/**
 * The Porter stemmer (M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980). It matches a question's
 * "serialization" with the code's `serialize`. Two corrections come from Snowball's "English". Exceed, proceed and
 * succeed keep their form and so match "exceeded". A y after the first consonants of a short word changes too, so that
 * "try" matches "tries". The stemmer changes only lower-case ASCII words of three letters or more.
 */

const VOWEL = /[aeiou]/;

/** Whether `word[i]` is a consonant in Porter's sense: y counts as a vowel after a consonant. */
function isConsonant(word: string, i: number): boolean {
  const letter = word[i] as string;
  if (VOWEL.test(letter)) return false;
  return letter !== 'y' || i === 0 || !isConsonant(word, i - 1);
}

/** Porter's m: the number of vowel-consonant sequences in a stem. */
function measure(stem: string): number {
  let count = 0;
  let afterVowel = false;
  for (let i = 0; i < stem.length; i++) {
    const consonant = isConsonant(stem, i);
    if (consonant && afterVowel) count++;
    afterVowel = !consonant;
  }
  return count;
}

function hasVowel(stem: string): boolean {
  for (let i = 0; i < stem.length; i++) if (!isConsonant(stem, i)) return true;
  return false;
}

function endsWithDoubleConsonant(word: string): boolean {
  const last = word.length - 1;
  return last > 0 && word[last] === word[last - 1] && isConsonant(word, last);
}

/** Porter's *o: whether a stem ends in consonant-vowel-consonant, the last not w, x or y ("hop", not "how"). */
function endsWithShortSyllable(word: string): boolean {
  const last = word.length - 1;
  return (
    last > 1 &&
    isConsonant(word, last) &&
    !isConsonant(word, last - 1) &&
    isConsonant(word, last - 2) &&
    !'wxy'.includes(word[last] as string)
  );
}

const STEP_2: readonly (readonly [string, string])[] = [
  ['ational', 'ate'],
  ['tional', 'tion'],
  ['enci', 'ence'],
  ['anci', 'ance'],
  ['izer', 'ize'],
  ['isation', 'ize'],
  ['ization', 'ize'],
  ['bli', 'ble'],
  ['alli', 'al'],
  ['entli', 'ent'],
  ['eli', 'e'],
  ['ousli', 'ous'],
  ['ation', 'ate'],
  ['ator', 'ate'],
  ['alism', 'al'],
  ['iveness', 'ive'],
  ['fulness', 'ful'],
  ['ousness', 'ous'],
  ['aliti', 'al'],
  ['iviti', 'ive'],
  ['biliti', 'ble'],
  ['logi', 'log'],
];
const STEP_3: readonly (readonly [string, string])[] = [
  ['icate', 'ic'],
  ['ative', ''],
  ['alize', 'al'],
  ['iciti', 'ic'],
  ['ical', 'ic'],
  ['ful', ''],
  ['ness', ''],
];
const STEP_4: readonly string[] = [
  'al',
  'ance',
  'ence',
  'er',
  'ic',
  'able',
  'ible',
  'ant',
  'ement',
  'ment',
  'ent',
  'ion',
  'ou',
  'ism',
  'ate',
  'iti',
  'ous',
  'ive',
  'ize',
];

/** Replaces the longest listed suffix when the stem before it has measure > 0. */
function replaceSuffix(word: string, table: readonly (readonly [string, string])[]): string {
  let best: readonly [string, string] | undefined;
  for (const rule of table) if (word.endsWith(rule[0]) && rule[0].length > (best?.[0].length ?? 0)) best = rule;
  if (best === undefined) return word;
  const stem = word.slice(0, -best[0].length);
  return measure(stem) > 0 ? stem + best[1] : word;
}

/** Step 1b's repair after removing -ed or -ing: "hopp" → "hop", "siz" → "size". */
function repair(stem: string): string {
  if (stem.endsWith('at') || stem.endsWith('bl') || stem.endsWith('iz')) return `${stem}e`;
  if (endsWithDoubleConsonant(stem) && !/[lsz]$/.test(stem)) return stem.slice(0, -1);
  return measure(stem) === 1 && endsWithShortSyllable(stem) ? `${stem}e` : stem;
}

export function stem(word: string): string {
  if (word.length < 3 || !/^[a-z]+$/.test(word)) return word;
  let w = word;
  // 1a: plurals.
  if (w.endsWith('sses') || w.endsWith('ies')) w = w.slice(0, -2);
  else if (w.endsWith('s') && !w.endsWith('ss')) w = w.slice(0, -1);
  // 1b: -eed, -ed, -ing.
  if (/^(ex|pro|suc)ceed$/.test(w)) return w;
  if (w.endsWith('eed')) {
    if (measure(w.slice(0, -3)) > 0) w = w.slice(0, -1);
  } else if (w.endsWith('ed') && hasVowel(w.slice(0, -2))) w = repair(w.slice(0, -2));
  else if (w.endsWith('ing') && hasVowel(w.slice(0, -3))) w = repair(w.slice(0, -3));
  // 1c: y → i.
  if (w.length > 2 && w.endsWith('y') && isConsonant(w, w.length - 2)) w = `${w.slice(0, -1)}i`;
  w = replaceSuffix(w, STEP_2);
  w = replaceSuffix(w, STEP_3);
  // 4: the remaining suffixes, when the rest is long enough.
  let suffix = '';
  for (const s of STEP_4) if (s.length > suffix.length && w.endsWith(s)) suffix = s;
  if (suffix !== '') {
    const rest = w.slice(0, -suffix.length);
    if (measure(rest) > 1 && (suffix !== 'ion' || /[st]$/.test(rest))) w = rest;
  }
  // 5: final e and double l.
  if (w.endsWith('e')) {
    const rest = w.slice(0, -1);
    const m = measure(rest);
    if (m > 1 || (m === 1 && !endsWithShortSyllable(rest))) w = rest;
  }
  return measure(w) > 1 && w.endsWith('ll') ? w.slice(0, -1) : w;
}
