import type { RankedSpan } from '../../../src/protocol';
import type { Question } from './questions';

/** Characters per token, for texts without a tokenizer. */
export const CHARACTERS_PER_TOKEN = 3.6;
export const SPAN_TOKENS = 4000;

export interface Scores {
  questions: number;
  hit1: number;
  hit5: number;
  hit10: number;
  mrr: number;
  /** Share of gold lines within the first 4,000 tokens of spans, as a mean over the questions with gold lines. */
  lines: number;
  /** The same share over the gold lines of all questions together. */
  linesPooled: number;
}

/** Returns the rank (1-based) of the first gold file; 0 when there is none. */
export function goldRank(files: readonly string[], question: Question): number {
  const gold = new Set(question.gold.map((g) => g.path));
  return files.findIndex((path) => gold.has(path)) + 1;
}

export const filesOf = (spans: readonly RankedSpan[]): string[] => [...new Set(spans.map((span) => span.path))];

/**
 * Counts the gold lines, and those in the spans that fit into the budget, best first. A span that crosses the budget
 * counts up to it.
 */
export function goldLines(spans: readonly RankedSpan[], question: Question): { gold: number; found: number } {
  const gold = new Set(
    question.gold.flatMap((g) =>
      g.spans.flatMap(([from, to]) =>
        Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => `${g.path}:${from + i}`),
      ),
    ),
  );
  let room = SPAN_TOKENS * CHARACTERS_PER_TOKEN;
  let found = 0;
  const seen = new Set<string>();
  for (const span of spans) {
    const lines = span.text.split('\n');
    for (let i = 0; i <= span.endLine - span.startLine; i++) {
      room -= (lines[i] ?? '').length + 1;
      if (room < 0) return { gold: gold.size, found };
      const key = `${span.path}:${span.startLine + i}`;
      if (gold.has(key) && !seen.has(key)) found++;
      seen.add(key);
    }
  }
  return { gold: gold.size, found };
}

export class Tally {
  private n = 0;
  private readonly hits = { 1: 0, 5: 0, 10: 0 };
  private reciprocal = 0;
  private lineShares: number[] = [];
  private gold = 0;
  private found = 0;

  add(rank: number, lines?: { gold: number; found: number }): void {
    this.n++;
    for (const k of [1, 5, 10] as const) if (rank > 0 && rank <= k) this.hits[k]++;
    if (rank > 0) this.reciprocal += 1 / rank;
    if (lines && lines.gold > 0) {
      this.lineShares.push(lines.found / lines.gold);
      this.gold += lines.gold;
      this.found += lines.found;
    }
  }

  scores(): Scores {
    const n = Math.max(1, this.n);
    return {
      questions: this.n,
      hit1: this.hits[1] / n,
      hit5: this.hits[5] / n,
      hit10: this.hits[10] / n,
      mrr: this.reciprocal / n,
      lines: this.lineShares.reduce((a, b) => a + b, 0) / Math.max(1, this.lineShares.length),
      linesPooled: this.found / Math.max(1, this.gold),
    };
  }
}

export const row = (name: string, s: Scores): string =>
  `${name.padEnd(28)} n ${String(s.questions).padStart(4)}   hit@1 ${s.hit1.toFixed(3)}  @5 ${s.hit5.toFixed(3)}  @10 ${s.hit10.toFixed(3)}   MRR ${s.mrr.toFixed(3)}` +
  (s.linesPooled > 0
    ? `   gold lines in ${SPAN_TOKENS} tokens ${s.lines.toFixed(3)} (pooled ${s.linesPooled.toFixed(3)})`
    : '');
