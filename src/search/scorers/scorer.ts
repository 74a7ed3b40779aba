import type { LateScore, Memories, MemorySegment } from '../../memory';
import type { RankedSpan, RankReason } from '../../protocol';
import type { QueryEmbedding } from '../../protocol/memory';
import type { AnalysedQuestion } from '../query/analysis';
import type { ScorerWeights, SearchWeights } from '../weights';

/** One way to score the candidates of a search. To add one: docs/how-to/add-a-scorer.md. */
export interface Scorer {
  /** Names its weight in `SearchWeights.scorers`. */
  readonly name: keyof ScorerWeights;
  /** Shown with a result that scores well. A scorer without it leaves the span's own reasons as they are. */
  readonly reason?: Pick<RankReason, 'kind' | 'text'>;
  /** Scores the candidates; undefined when the scorer cannot say anything about this question. */
  score(input: ScoringInput): Promise<Scores | undefined>;
}

/** What scorers know of a question and its candidates. */
export interface ScoringInput {
  question: AnalysedQuestion;
  /** Spans found by words, best first. */
  spans: readonly RankedSpan[];
  /** Segments of the scope whose compressed rows are stored. Empty without a model. */
  segments: readonly MemorySegment[];
  /** Present when there are memories and the model has embedded the question. */
  memory?: ScoringMemory;
  weights: SearchWeights;
}

export interface ScoringMemory {
  memories: Memories;
  embedding: QueryEmbedding;
  /**
   * Late-interaction scores of the segments, by key; computed once for all scorers. Undefined for a model without token
   * vectors.
   */
  lateScores(): Promise<ReadonlyMap<string, LateScore> | undefined>;
}

export interface Scores {
  /** Values of spans found by words. */
  spans?: ReadonlyMap<RankedSpan, number>;
  /** Values of segments, by key. A span has the value of the best segment within it. */
  segments?: ReadonlyMap<string, number>;
  /** Value of a candidate that has none; default: the lowest of the scale. */
  otherwise?: number;
  /**
   * How values become shares of the scorer's weight. `points`: a value is added as it is. A range maps `least` to 0 and
   * `most` to 1, the same for every question. `candidates`: the lowest and the highest value of this question's
   * candidates are the range.
   */
  scale: 'points' | 'candidates' | { least: number; most: number };
}
