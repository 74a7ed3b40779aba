/**
 * Says of a token, from its letters alone, that it holds none of some terms; that spares the matcher analysing the nine
 * tokens in ten that have nothing to do with the question.
 *
 * A term is the stem of a token's part or the whole token in lower case without joiners (terms.ts). The stemmer changes
 * the ends of words and lets their first three letters be, but for y, which may become i. So a token that holds a term
 * holds the term's first three letters in a row, joiners aside; of shorter terms, all of it.
 */
export class TermFilter {
  /** Runs of three and of two letters that some term begins with, five bits for each letter. */
  private readonly threes = new Uint8Array(1 << 15);
  private readonly twos = new Uint8Array(1 << 10);
  /** A term of one letter stands in nearly every token. */
  private passesAll = false;

  constructor(terms: Iterable<string>) {
    for (const term of terms) {
      const letters = foldedLetters(term);
      if (letters === undefined) continue;
      const [first, second, third] = letters;
      if (second === undefined) this.passesAll = true;
      else if (third === undefined) this.twos[((first as number) << 5) | second] = 1;
      else this.threes[((first as number) << 10) | (second << 5) | third] = 1;
    }
  }

  /** False only when no term is among those of text[start, end), which is a token. */
  mayHold(text: string, start: number, end: number): boolean {
    if (this.passesAll) return true;
    let run = 0;
    let seen = 0;
    for (let i = start; i < end; i++) {
      const code = text.charCodeAt(i);
      // Letters beyond ASCII have other forms of themselves.
      if (code >= 128) return true;
      const letter = FOLDED[code] as number;
      if (letter === 0) continue;
      run = ((run << 5) | letter) & 0x7fff;
      seen++;
      if (seen >= 2 && this.twos[run & 0x3ff] === 1) return true;
      if (seen >= 3 && this.threes[run] === 1) return true;
    }
    return false;
  }
}

/** Five bits for each letter or digit of ASCII: cases alike, y like i, digits by fives; 0 for what only joins. */
const FOLDED = new Uint8Array(128);
for (let c = 0; c < 26; c++) FOLDED[0x41 + c] = FOLDED[0x61 + c] = 1 + c;
FOLDED[0x59] = FOLDED[0x79] = FOLDED[0x69] as number;
for (let d = 0; d < 10; d++) FOLDED[0x30 + d] = 27 + (d % 5);

/** The first three letters of a term; undefined where a token that holds it has letters beyond ASCII. */
function foldedLetters(term: string): number[] | undefined {
  const letters: number[] = [];
  for (let i = 0; i < term.length; i++) {
    const code = term.charCodeAt(i);
    if (code >= 128) return undefined;
    const letter = FOLDED[code] as number;
    if (letter !== 0 && letters.length < 3) letters.push(letter);
  }
  return letters;
}
