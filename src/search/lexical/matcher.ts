import { TokenTable, scanTokens, type QueryTerm, type WrittenLanguage } from '../../workspace';
import { TermFilter } from './term-filter';

/** Maximum bytes of the table of analysed tokens, which questions share. A larger table is replaced by an empty one. */
const MOST_TABLE_BYTES = 16e6;
let tokens = new TokenTable();

/** Occurrences of a question's terms in a range of lines. */
export interface Occurrences {
  /** For each occurrence: its line (ascending), the index of its term, and its weight (1, less for a short form). */
  lines: readonly number[];
  bits: readonly number[];
  weights: readonly number[];
  /** Number of tokens in each line, from `firstLine` on. */
  lengths: readonly number[];
  firstLine: number;
}

/** Languages that write compounds as one word: a key's length is a "Schlüssellänge". */
const COMPOUNDING: ReadonlySet<WrittenLanguage> = new Set(['de', 'nl']);
/** Shorter terms begin too many words, and less is added by an ending. */
const LEAST_HEAD = 5;
const LEAST_REST = 3;
/** A compound ends with its main word, so a shorter term tells enough. */
const LEAST_TAIL = 4;
/** An occurrence as the first or last part of a compound counts as this share of one. */
const COMPOUND = 0.5;

/** Finds a question's terms in the text of a span, line by line. */
export class Matcher {
  private readonly bitOf = new Map<number, { bit: number; weight: number }>();
  private readonly filter: TermFilter;
  /** Terms that compounds may begin with, and end with. */
  private readonly heads: { term: string; bit: number }[] = [];
  private readonly tails: { term: string; bit: number }[] = [];

  /** @param language language of the question, whose stems prose in that language has too */
  constructor(
    terms: readonly QueryTerm[],
    private readonly language: WrittenLanguage = 'en',
  ) {
    this.filter = new TermFilter(
      terms.flatMap(({ term, alternatives = [] }) => [term, ...alternatives.map((other) => other.term)]),
    );
    if (tokens.bytes > MOST_TABLE_BYTES) tokens = new TokenTable();
    terms.forEach((term, bit) => {
      for (const other of term.alternatives ?? []) {
        const id = tokens.id(other.term);
        if (!this.bitOf.has(id)) this.bitOf.set(id, { bit, weight: other.weight });
      }
    });
    terms.forEach((term, bit) => this.bitOf.set(tokens.id(term.term), { bit, weight: 1 }));
    if (COMPOUNDING.has(language))
      terms.forEach(({ term }, bit) => {
        if (term.length >= LEAST_HEAD) this.heads.push({ term, bit });
        if (term.length >= LEAST_TAIL) this.tails.push({ term, bit });
      });
  }

  /** Returns the occurrences in text[start, end), which begins in line `firstLine`. */
  find(text: string, start: number, end: number, firstLine: number): Occurrences {
    const lines: number[] = [];
    const bits: number[] = [];
    const weights: number[] = [];
    const lengths: number[] = [0];
    let line = firstLine;
    const newlineFrom = (at: number): number => {
      const found = text.indexOf('\n', at);
      return found < 0 ? end : found;
    };
    let newline = newlineFrom(start);
    scanTokens(text, start, end, (from, to, hash) => {
      for (; newline < from; newline = newlineFrom(newline + 1)) {
        line++;
        lengths.push(0);
      }
      lengths[line - firstLine] = (lengths[line - firstLine] as number) + 1;
      if (!this.filter.mayHold(text, from, to)) return;
      for (const id of tokens.lookup(text, from, to, hash, this.language)) {
        const match = this.bitOf.get(id) ?? this.compound(tokens.terms[id] as string);
        if (match === undefined) continue;
        lines.push(line);
        bits.push(match.bit);
        weights.push(match.weight);
      }
    });
    return { lines, bits, weights, lengths, firstLine };
  }

  /** The term that a compound begins or ends with. */
  private compound(word: string): { bit: number; weight: number } | undefined {
    const head = this.heads.find(({ term }) => word.length >= term.length + LEAST_REST && word.startsWith(term));
    if (head) return { bit: head.bit, weight: COMPOUND };
    const tail = this.tails.find(({ term }) => word.length >= term.length + LEAST_REST && word.endsWith(term));
    return tail && { bit: tail.bit, weight: COMPOUND };
  }
}
