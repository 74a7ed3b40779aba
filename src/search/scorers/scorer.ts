import type { LateScore, MemorySegment } from '../../memory';
import type { RankedSpan, RankReason } from '../../protocol';
import type { QueryEmbedding } from '../../protocol/memory';
import type { AnalysedQuestion } from '../query/analysis';
import type { ScorerWeights, SearchWeights } from '../weights';

/** One way to score the candidates of a search. To add one: docs/how-to/add-a-scorer.md. */
export interface Scorer {
  /** Key of the scorer's weight in `SearchWeights.scorers`. */
  readonly name: keyof ScorerWeights;
  /** Shown with a result that scores well. Without it, the span's own reasons stay unchanged. */
  readonly reason?: Pick<RankReason, 'kind' | 'text'>;
  /** Factor on the scorer's weight for this question. Default: 1. */
  factor?(input: ScoringInput): number;
  /** Scores the candidates. Returns undefined when the scorer does not apply to this question. */
  score(input: ScoringInput): Promise<Scores | undefined>;
}

/** The question and its candidates, as scorers receive them. */
export interface ScoringInput {
  question: AnalysedQuestion;
  /** Spans found by words, best first. */
  spans: readonly RankedSpan[];
  /** Segments of the scope with stored rows. Empty without a model. */
  segments: readonly MemorySegment[];
  /** Present when there are memories and the model has embedded the question. */
  memory?: ScoringMemory;
  weights: SearchWeights;
}

export interface ScoringMemory {
  embedding: QueryEmbedding;
  /**
   * Greatest cosine of the passages of each segment with the question, in the order of the segments; NaN for one
   * without vectors. Computed once for all scorers. Undefined without a sentence encoder.
   */
  similarities(): Promise<Float32Array | undefined>;
  /**
   * Late-interaction scores of the segments that may rank high, by key; computed once for all scorers. Undefined for a
   * model without token vectors.
   */
  lateScores(): Promise<LateScores | undefined>;
}

/** Scores of the segments of a list, by key. */
export interface LateScores {
  segments: readonly MemorySegment[];
  scores: ReadonlyMap<string, LateScore>;
}

/** Values by the key of a segment. Not always a map: a copy of all keys takes milliseconds in a large workspace. */
export interface SegmentValues {
  get(key: string): number | undefined;
  /** Segments that have values, in the order of the input. Default: all of the input may have one. */
  segments?: readonly MemorySegment[];
}

export interface Scores {
  /** Values of spans found by words. */
  spans?: ReadonlyMap<RankedSpan, number>;
  /** Values of segments, by key. A span gets the value of its best segment. */
  segments?: SegmentValues;
  /** Value of a candidate without one: a segment outside all spans. Default: the minimum of the scale. */
  otherwise?(segment: MemorySegment | undefined): number;
  /**
   * How values become shares of the scorer's weight. `points`: values are added unchanged. A range maps `least` to 0
   * and `most` to 1; greater values get more. `candidates`: the range is from the lowest to the highest value of this
   * question's candidates.
   */
  scale: 'points' | 'candidates' | { least: number; most: number };
}
