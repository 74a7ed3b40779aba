import type { RankedSpan } from '../protocol';
import { nameTerms } from '../workspace/lexical/terms';
import type { SegmentHit } from '../workspace/lexical/search';
import { Matcher, type Occurrences } from './matcher';
import type { AnalysedQuestion } from './query';
import type { RankedDocument } from './rank';
import { explain } from './reasons';
import type { ReadDocument } from '../workspace/read-document';
import { cutUnits, rangeOf, type Unit } from './span-candidates';

/**
 * What a unit's score is made of. Set by hand on SWE-QA's gold lines; the share found is flat around these values.
 */
export interface SpanWeights {
  /** Score of its document. */
  document: number;
  /** BM25 of its own text, as a share of what all terms could reach. */
  body: number;
  /**
   * Share of the question's weight that the definition's own name says, times the share of the name that the question
   * says.
   */
  name: number;
  /** It defines a name the question gives. */
  defines: number;
  /** What enclosing names say. */
  breadcrumb: number;
  /** The question's terms stand close together. */
  proximity: number;
  /** Taken off for each span of the same file that came before (retriever.ts). */
  saturation: number;
  k1: number;
  b: number;
}

export const SPAN_WEIGHTS: SpanWeights = {
  document: 1,
  body: 0.8,
  name: 0.25,
  defines: 0.25,
  breadcrumb: 0.25,
  proximity: 0.2,
  saturation: 0.05,
  k1: 1.2,
  b: 0.2,
};

/** Tokens of an ordinary unit, for the length normalisation. */
const USUAL_TOKENS = 120;

export interface ScoredUnit extends Unit {
  score: number;
  /** Its lines, without the last line's end. */
  text: string;
  /** Bits of the question's terms that occur. */
  matched: number;
  defines: readonly string[];
}

export interface SpanQuestion {
  question: AnalysedQuestion;
  /** Weight times inverse segment frequency of each term. */
  termWeights: readonly number[];
  /** Which of them a word is, in its own or another form. */
  bitOf: ReadonlyMap<string, number>;
  matcher: Matcher;
}

/** `segmentIdf` as the lexical search found it for the question's terms. */
export function prepareSpanQuestion(question: AnalysedQuestion, segmentIdf: readonly number[]): SpanQuestion {
  const bitOf = new Map<string, number>();
  question.terms.forEach(({ alternatives }, bit) => alternatives?.forEach(({ term }) => bitOf.set(term, bit)));
  question.terms.forEach(({ term }, bit) => bitOf.set(term, bit));
  return {
    question,
    termWeights: question.terms.map(({ weight }, i) => weight * (segmentIdf[i] ?? 0)),
    bitOf,
    matcher: new Matcher(question.terms),
  };
}

/** Scores the units of one document that `hits` (segments of it) touch, best first. */
export function scoreUnits(
  asked: SpanQuestion,
  document: RankedDocument,
  read: ReadDocument,
  hits: readonly SegmentHit[],
  weights: SpanWeights = SPAN_WEIGHTS,
): ScoredUnit[] {
  const { text } = read.document;
  const total = asked.termWeights.reduce((a, b) => a + b, 0) || 1;
  const sought = new Map(asked.question.names.map((name) => [name.term.slice(1), name.text]));
  const units = cutUnits(read, hits).map((unit): ScoredUnit => {
    const { start, end } = rangeOf(read, unit);
    const found = asked.matcher.find(text, start, end, unit.startLine);
    const { score: body, matched } = bodyScore(found, asked.termWeights, weights);
    const names = unit.symbol ? [unit.symbol.name] : [];
    const defines = names.filter((name) => sought.has(name.replace(/[_$-]/g, '').toLowerCase()));
    const score =
      weights.document * document.score +
      (weights.body * body) / total +
      weights.name * Math.max(0, ...names.map((name) => nameScore(name, asked, total))) +
      weights.defines * (defines.length > 0 ? 1 : 0) +
      weights.breadcrumb *
        Math.max(
          0,
          ...unit.breadcrumb.slice(0, names.length > 0 ? -1 : undefined).map((name) => nameScore(name, asked, total)),
        ) +
      weights.proximity * proximity(found, asked.termWeights, total);
    return { ...unit, text: text.slice(start, end), score, matched, defines };
  });
  return units.sort((a, b) => b.score - a.score);
}

function bodyScore(
  found: Occurrences,
  termWeights: readonly number[],
  weights: SpanWeights,
): { score: number; matched: number } {
  const frequency = new Float64Array(termWeights.length);
  let matched = 0;
  found.bits.forEach((bit, i) => {
    frequency[bit] = (frequency[bit] as number) + (found.weights[i] as number);
    matched |= 1 << bit;
  });
  const tokens = found.lengths.reduce((a, b) => a + b, 0);
  const norm = weights.k1 * (1 - weights.b + (weights.b * tokens) / USUAL_TOKENS);
  let score = 0;
  frequency.forEach((f, bit) => (score += ((termWeights[bit] as number) * f) / (f + norm)));
  return { score, matched };
}

/**
 * How much of the name the question says, times how much of the question the name says (a third is as much as a name
 * can be expected to).
 */
function nameScore(name: string, asked: SpanQuestion, total: number): number {
  const words = nameTerms(name);
  if (words.length === 0) return 0;
  let said = 0;
  let mass = 0;
  for (const word of words) {
    const bit = asked.bitOf.get(word);
    if (bit === undefined) continue;
    said++;
    mass += asked.termWeights[bit] as number;
  }
  return (said / words.length) * Math.min(1, (3 * mass) / total);
}

/** Most weight of distinct terms within three lines. */
function proximity(found: Occurrences, termWeights: readonly number[], total: number): number {
  let best = 0;
  let from = 0;
  for (let to = 0; to < found.lines.length; to++) {
    while ((found.lines[to] as number) - (found.lines[from] as number) > 2) from++;
    let mask = 0;
    let mass = 0;
    for (let i = from; i <= to; i++) {
      const bit = found.bits[i] as number;
      if ((mask >>> bit) & 1) continue;
      mask |= 1 << bit;
      mass += termWeights[bit] as number;
    }
    best = Math.max(best, mass);
  }
  return best / total;
}

/** A unit as it is handed out. */
export function toSpan(
  asked: SpanQuestion,
  document: RankedDocument,
  read: ReadDocument,
  unit: ScoredUnit,
): RankedSpan {
  return {
    file: read.document.file,
    path: read.document.path,
    startLine: unit.startLine,
    endLine: unit.endLine,
    score: unit.score,
    breadcrumb: unit.breadcrumb,
    reasons: explain(asked, document, unit),
    text: unit.text,
    language: read.document.language,
  };
}
