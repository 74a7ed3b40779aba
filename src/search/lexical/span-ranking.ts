import type { RankedSpan } from '../../protocol';
import { type ReadDocument, type SegmentHit, nameTerms } from '../../workspace';
import type { AnalysedQuestion } from '../query/analysis';
import type { SearchWeights, SpanWeights } from '../weights';
import type { RankedDocument } from './document-ranking';
import { Matcher, type Occurrences } from './matcher';
import { explain } from './reasons';
import { cutCandidates, rangeOf, type SpanCandidate } from './span-candidates';

export interface ScoredCandidate extends SpanCandidate {
  score: number;
  /** Text of the lines, without the last line break. */
  text: string;
  /** Bit mask of the question's terms that occur. */
  matched: number;
  /** Names in the question that the span defines. */
  defines: readonly string[];
  /** Value of each part of the score, without its weight. */
  parts: Readonly<Record<SpanPart, number>>;
}

/** The parts of a span's score besides that of its document. */
export const SPAN_PARTS = ['body', 'name', 'defines', 'breadcrumb', 'proximity'] as const;
export type SpanPart = (typeof SPAN_PARTS)[number];

/** A question prepared for scoring the spans of many documents. */
export interface SpanQuestion {
  question: AnalysedQuestion;
  /** Weight of each term times its inverse segment frequency. */
  termWeights: readonly number[];
  /** Term index of each word, in any of its forms. */
  bitOf: ReadonlyMap<string, number>;
  matcher: Matcher;
}

/** @param segmentIdf inverse segment frequency of the question's terms, from the lexical search */
export function prepareSpanQuestion(question: AnalysedQuestion, segmentIdf: readonly number[]): SpanQuestion {
  const bitOf = new Map<string, number>();
  question.terms.forEach(({ alternatives }, bit) => alternatives?.forEach(({ term }) => bitOf.set(term, bit)));
  question.terms.forEach(({ term }, bit) => bitOf.set(term, bit));
  return {
    question,
    termWeights: question.terms.map(({ weight }, i) => weight * (segmentIdf[i] ?? 0)),
    bitOf,
    matcher: new Matcher(question.terms, question.language),
  };
}

/** Cuts and scores the spans of one document that its segments in `hits` touch, best first. */
export function scoreCandidates(
  prepared: SpanQuestion,
  document: RankedDocument,
  read: ReadDocument,
  hits: readonly SegmentHit[],
  { spans: weights, limits }: SearchWeights,
): ScoredCandidate[] {
  const { text } = read.document;
  const { termWeights, question, matcher } = prepared;
  const total = termWeights.reduce((a, b) => a + b, 0) || 1;
  const sought = new Map(question.names.map((name) => [name.term.slice(1), name.text]));
  const overlap = (name: string): number => nameScore(name, prepared, total, weights);
  const candidates = cutCandidates(read, hits, limits.definition).map((candidate): ScoredCandidate => {
    const { start, end } = rangeOf(read, candidate);
    const found = matcher.find(text, start, end, candidate.startLine);
    const { score: body, matched } = bodyScore(found, termWeights, weights);
    const names = candidate.symbol ? [candidate.symbol.name] : [];
    const defines = names.filter((name) => sought.has(name.replace(/[_$-]/g, '').toLowerCase()));
    const enclosing = candidate.breadcrumb.slice(0, names.length > 0 ? -1 : undefined);
    const own = text.slice(start, end);
    const parts = {
      body: body / total,
      name: Math.max(0, ...names.map(overlap)),
      defines: defines.length > 0 ? 1 : 0,
      breadcrumb: Math.max(0, ...enclosing.map(overlap)),
      proximity: proximity(found, termWeights, total, weights.proximityLines),
    };
    const score = SPAN_PARTS.reduce(
      (sum, part) => sum + weights[part] * parts[part],
      weights.document * document.score,
    );
    return { ...candidate, text: own, score, matched, defines, parts };
  });
  return candidates.sort((a, b) => b.score - a.score);
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
  const norm = weights.k1 * (1 - weights.b + (weights.b * tokens) / weights.averageTokens);
  let score = 0;
  frequency.forEach((f, bit) => (score += ((termWeights[bit] as number) * f) / (f + norm)));
  return { score, matched };
}

/**
 * Returns the share of the name that the question repeats, times the share of the question that the name repeats
 * (scaled by `nameFactor`).
 */
function nameScore(
  name: string,
  { bitOf, termWeights }: SpanQuestion,
  total: number,
  { nameFactor }: SpanWeights,
): number {
  const words = nameTerms(name);
  if (words.length === 0) return 0;
  let repeated = 0;
  let mass = 0;
  for (const word of words) {
    const bit = bitOf.get(word);
    if (bit === undefined) continue;
    repeated++;
    mass += termWeights[bit] as number;
  }
  return (repeated / words.length) * Math.min(1, (nameFactor * mass) / total);
}

/** Returns the largest summed weight of distinct terms within `lines` lines, as a share of `total`. */
function proximity(found: Occurrences, termWeights: readonly number[], total: number, lines: number): number {
  let best = 0;
  let from = 0;
  for (let to = 0; to < found.lines.length; to++) {
    while ((found.lines[to] as number) - (found.lines[from] as number) > lines) from++;
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

/** Converts a scored candidate to a search result with its reasons. */
export function toSpan(
  prepared: SpanQuestion,
  document: RankedDocument,
  read: ReadDocument,
  candidate: ScoredCandidate,
  weights: SearchWeights,
): RankedSpan {
  return {
    file: read.document.file,
    path: read.document.path,
    startLine: candidate.startLine,
    endLine: candidate.endLine,
    score: candidate.score,
    breadcrumb: candidate.breadcrumb,
    reasons: explain(prepared, document, candidate, weights),
    text: candidate.text,
    language: read.document.language,
    ...(isProseAt(read, candidate.startLine) ? { kind: 'prose' as const } : {}),
  };
}

function isProseAt({ segmented }: ReadDocument, line: number): boolean {
  return segmented.segments.find(({ startLine, endLine }) => startLine <= line && line <= endLine)?.kind === 'prose';
}
