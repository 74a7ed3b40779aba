/**
 * Rejects tokens that cannot contain a term, by their letters alone. Nine tokens in ten are unrelated to a question,
 * so the matcher need not analyse them. A term is the stem of a token's part, or the whole token in lower case without
 * joiners (terms.ts). The stemmer keeps the first three letters of a word, except that y may become i. A token with a
 * term therefore contains the term's first three letters in a row, ignoring joiners. A term of fewer letters occurs
 * whole.
 */
export class TermFilter {
  /** First three and first two letters of the terms, five bits per letter. */
  private readonly threes = new Uint8Array(1 << 15);
  private readonly twos = new Uint8Array(1 << 10);
  /** True when a term has one letter, which nearly every token contains. */
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

  /** Returns false only when the token text[start, end) contains none of the terms. */
  mayHold(text: string, start: number, end: number): boolean {
    if (this.passesAll) return true;
    let run = 0;
    let seen = 0;
    for (let i = start; i < end; i++) {
      const code = text.charCodeAt(i);
      // A term may contain another form of a letter beyond ASCII.
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

/** Five bits for each ASCII letter or digit: case folded, y as i, digits modulo five. 0 for joiners. */
const FOLDED = new Uint8Array(128);
for (let c = 0; c < 26; c++) FOLDED[0x41 + c] = FOLDED[0x61 + c] = 1 + c;
FOLDED[0x59] = FOLDED[0x79] = FOLDED[0x69] as number;
for (let d = 0; d < 10; d++) FOLDED[0x30 + d] = 27 + (d % 5);

/** Returns the first three letters of a term. Undefined for a term with letters beyond ASCII. */
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
