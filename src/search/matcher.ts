import { TokenTable } from '../workspace/lexical/token-table';
import { scanTokens } from '../workspace/lexical/terms';
import type { QueryTerm } from '../workspace/lexical/types';
import { TermFilter } from './term-filter';

/** Tokens of candidates kept analysed between questions; beyond this the table is begun anew. */
const MOST_TABLE_BYTES = 16e6;
let tokens = new TokenTable();

/** Where the terms of a question stand in a run of lines. */
export interface Occurrences {
  /** Line of each occurrence, ascending; which term (bit); how much it counts (1, less for a short form). */
  lines: readonly number[];
  bits: readonly number[];
  weights: readonly number[];
  /** Tokens in each line from the first one given. */
  lengths: readonly number[];
  firstLine: number;
}

/** Finds a question's terms in the text of candidates, line by line. */
export class Matcher {
  private readonly bitOf = new Map<number, { bit: number; weight: number }>();
  private readonly filter: TermFilter;

  constructor(terms: readonly QueryTerm[]) {
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
  }

  /** Occurrences in text[start, end), whose first line is `firstLine`. */
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
      for (const id of tokens.lookup(text, from, to, hash)) {
        const match = this.bitOf.get(id);
        if (match === undefined) continue;
        lines.push(line);
        bits.push(match.bit);
        weights.push(match.weight);
      }
    });
    return { lines, bits, weights, lengths, firstLine };
  }
}
