import type { RankedSpan, Scope } from '../../protocol';
import {
  type LexicalIndex,
  MAX_QUERY_TERMS,
  type LexicalResult,
  type DocumentReader,
  type ReadDocument,
} from '../../workspace';
import type { AnalysedQuestion } from '../query/analysis';
import { overlapsSelection, type PathOf, pathFilter } from '../scope';
import { SEARCH_WEIGHTS, type SearchWeights } from '../weights';
import { type RankedDocument, rankDocuments } from './document-ranking';
import { gatherEvidence } from './features';
import { repeats, type TellingLines, tellingLines } from './repeats';
import { widen } from './span-candidates';
import { prepareSpanQuestion, type ScoredCandidate, scoreCandidates, type SpanQuestion, toSpan } from './span-ranking';

export interface LexicalSearchOptions {
  scope: Scope;
  limit: number;
  /** Resolves scopes that name a file. */
  pathOf: PathOf;
  signal?: AbortSignal | undefined;
}

/**
 * Finds spans by the words of a question in three steps. BM25F scores every document and segment from the index.
 * Weighted features rank the best documents. The leading documents are read and cut into definitions and line ranges.
 */
export class LexicalRanker {
  constructor(
    private readonly index: LexicalIndex,
    private readonly reader: DocumentReader,
    private readonly weights: SearchWeights = SEARCH_WEIGHTS,
  ) {}

  /**
   * Finds at most `limit` matching spans, best first.
   * @throws the signal's reason when it aborts
   */
  async search(
    question: AnalysedQuestion,
    { scope, limit, pathOf, signal }: LexicalSearchOptions,
  ): Promise<RankedSpan[]> {
    const { prepared, candidates } = await this.candidates(question, { scope, limit, pathOf, signal });
    return this.arrange(candidates, Math.max(limit, 1)).map(({ document, read, candidate }) =>
      toSpan(prepared, document, read, candidate, this.weights),
    );
  }

  /** Reads the leading documents and cuts them into scored candidates. */
  async candidates(
    question: AnalysedQuestion,
    { scope, limit, pathOf, signal }: LexicalSearchOptions,
  ): Promise<{ prepared: SpanQuestion; candidates: DocumentCandidates[] }> {
    const { weights } = this;
    const { documentsRead, cutPerSpan, segmentsRead } = weights.limits;
    const { documents, found } = this.rank(question, pathFilter(scope, pathOf));
    signal?.throwIfAborted();
    const prepared = prepareSpanQuestion(question, found.segmentIdf);
    const candidates: DocumentCandidates[] = [];
    let cut = 0;
    for (const [rank, document] of documents.entries()) {
      if (rank >= documentsRead && cut >= cutPerSpan * limit) break;
      const read = await this.reader.read(document.hit.docId);
      signal?.throwIfAborted();
      if (read === undefined) continue;
      const segments = segmentsRead.find(({ below }) => rank < below)?.segments ?? 0;
      const scored = scoreCandidates(prepared, document, read, document.hit.segments.slice(0, segments), weights);
      const inside = scored.filter((candidate) => overlapsSelection(scope, candidate));
      cut += inside.length;
      if (inside.length > 0) candidates.push({ document, read, scored: inside });
    }
    return { prepared, candidates };
  }

  /** Ranks documents from the index alone, without reading them. */
  rank(
    question: AnalysedQuestion,
    filter?: (path: string) => boolean,
  ): { documents: RankedDocument[]; found: LexicalResult } {
    const { fields, limits, documents, features } = this.weights;
    const common = { ...fields, ...(filter ? { filter } : {}) };
    const found = this.index.search(question.terms, {
      ...common,
      limit: limits.documents,
      segmentsPerDocument: Math.max(...limits.segmentsRead.map(({ segments }) => segments)),
    });
    const names = question.names.slice(0, MAX_QUERY_TERMS);
    const named = this.index.search(
      names.map(({ term }) => ({ term, weight: 1 })),
      { ...common, limit: limits.namedDocuments, segmentsPerDocument: limits.namedSegments },
    );
    return { documents: rankDocuments(gatherEvidence(question, found, names, named, features), documents), found };
  }

  /**
   * Orders all candidates by score. Each further span of a file gets a penalty. A file exceeds its share of the list
   * only when no other file remains. Matching parts of a definition of limited size become the whole definition, once.
   * A span that repeats a better one of another file (a dialect, a copy) gets a penalty.
   */
  private arrange(candidates: readonly DocumentCandidates[], limit: number): Choice[] {
    const { penalty, doubleAfter, fileShare, fileLeast, repeatedShare, repeated } = this.weights.diversity;
    // The penalty for a span with `before` others of its file ahead of it.
    const lost = (before: number): number => penalty * (before + Math.max(0, before - doubleAfter));
    const mostOfOneFile = Math.max(fileLeast, Math.ceil(limit * fileShare));
    const choices = candidates.flatMap(({ document, read, scored }) =>
      scored.map((candidate, i) => ({
        document,
        read,
        candidate: { ...candidate, score: candidate.score - lost(i) },
        beyond: i >= mostOfOneFile,
      })),
    );
    choices.sort((a, b) => b.candidate.score - a.candidate.score);
    const taken: (Choice & { lines: TellingLines })[] = [];
    for (const { document, read, candidate } of [
      ...choices.filter(({ beyond }) => !beyond),
      ...choices.filter(({ beyond }) => beyond),
    ]) {
      if (taken.length === limit) break;
      const whole = widen(candidate, read, this.weights.limits.widened);
      const isHeld = taken.some(
        (other) =>
          other.read === read &&
          other.candidate.startLine <= whole.startLine &&
          whole.endLine <= other.candidate.endLine,
      );
      if (isHeld) continue;
      const lines = tellingLines(whole.text);
      const isRepeat = taken.some((other) => other.read !== read && repeats(lines, other.lines, repeatedShare));
      const score = whole.score - (isRepeat ? repeated : 0);
      taken.push({ document, read, candidate: { ...whole, score }, lines });
    }
    return taken.sort((a, b) => b.candidate.score - a.candidate.score);
  }
}

export interface DocumentCandidates {
  document: RankedDocument;
  read: ReadDocument;
  scored: ScoredCandidate[];
}

interface Choice {
  document: RankedDocument;
  read: ReadDocument;
  candidate: ScoredCandidate;
}
