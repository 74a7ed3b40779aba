import { isAbsolute, resolve } from 'node:path';
import type { RankedSpan, Scope } from '../protocol';
import type { LexicalIndex } from '../workspace/lexical/lexical-index';
import { MAX_QUERY_TERMS, type LexicalResult } from '../workspace/lexical/search';
import type { FieldWeights } from '../workspace/lexical/types';
import { gatherEvidence } from './features';
import { type AnalysedQuestion, analyseQuestion, type QuestionContext } from './query';
import { rankDocuments, type RankedDocument } from './rank';
import { prepareSpanQuestion, type ScoredUnit, scoreUnits, SPAN_WEIGHTS, toSpan } from './spans';
import type { DocumentReader, ReadDocument } from '../workspace/read-document';
import { widen } from './span-candidates';

export const DOCUMENT_FIELDS: FieldWeights = { k1: 1.2, b: 0.8, body: 1, symbol: 2, doc: 1, breadcrumb: 0.5, path: 1 };
export const SEGMENT_FIELDS: FieldWeights = { k1: 1.2, b: 0.3, body: 1, symbol: 2, doc: 1, breadcrumb: 0.5, path: 0 };

/**
 * Documents that the lexical search hands to the ranker, and of these how many are read to cut spans: more where they
 * do not fill the list.
 */
const CANDIDATES = 150;
const READ = 16;
const SEGMENTS_PER_DOCUMENT = 10;
/** Segments looked into, of the document at a rank: much of the first ones, the best place of the rest. */
const segmentsAt = (rank: number): number => (rank < 4 ? SEGMENTS_PER_DOCUMENT : rank < 10 ? 4 : 2);

export interface RetrieveOptions extends QuestionContext {
  scope: Scope;
  limit: number;
  /** The workspace path of an absolute file, or undefined when it is in no folder; for scopes that name a file. */
  pathOf: (file: string) => string | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Question → spans. First every document and segment is scored from the index (BM25F), then the best documents are
 * ranked by rules (rank.ts), and of those the leading ones are read and cut into the definitions and runs of lines that
 * answer (spans.ts).
 */
export class Retriever {
  constructor(
    private readonly index: LexicalIndex,
    private readonly reader: DocumentReader,
  ) {}

  /** The spans that answer, best first, at most `limit`. @throws the signal's reason when it aborts */
  async search(
    question: string,
    { scope, limit, pathOf, ownNames, before, signal }: RetrieveOptions,
  ): Promise<RankedSpan[]> {
    const asked = analyseQuestion(question, { ownNames, before });
    const { documents, found } = this.rank(asked, filterOf(scope, pathOf));
    signal?.throwIfAborted();
    const spanQuestion = prepareSpanQuestion(asked, found.segmentIdf);
    const candidates: { document: RankedDocument; read: ReadDocument; units: ScoredUnit[] }[] = [];
    let cut = 0;
    for (const [rank, document] of documents.entries()) {
      // Parts of one definition become one span, so twice as many are cut.
      if (rank >= READ && cut >= 2 * limit) break;
      const read = await this.reader.read(document.hit.docId);
      signal?.throwIfAborted();
      if (read === undefined) continue;
      const units = scoreUnits(spanQuestion, document, read, document.hit.segments.slice(0, segmentsAt(rank))).filter(
        (unit) => inScope(scope, unit),
      );
      cut += units.length;
      if (units.length > 0) candidates.push({ document, read, units });
    }
    return arrange(candidates, Math.max(limit, 1)).map(({ document, read, unit }) =>
      toSpan(spanQuestion, document, read, unit),
    );
  }

  /** Documents in order, without reading any. */
  rank(
    asked: AnalysedQuestion,
    filter?: (path: string) => boolean,
  ): { documents: RankedDocument[]; found: LexicalResult } {
    const fields = { documents: DOCUMENT_FIELDS, segments: SEGMENT_FIELDS, ...(filter ? { filter } : {}) };
    const found = this.index.search(asked.terms, {
      ...fields,
      limit: CANDIDATES,
      segmentsPerDocument: SEGMENTS_PER_DOCUMENT,
    });
    const names = asked.names.slice(0, MAX_QUERY_TERMS);
    const named = this.index.search(
      names.map(({ term }) => ({ term, weight: 1 })),
      { ...fields, limit: 2 * CANDIDATES, segmentsPerDocument: 3 },
    );
    return { documents: rankDocuments(gatherEvidence(asked, found, names, named)), found };
  }
}

function filterOf(scope: Scope, pathOf: RetrieveOptions['pathOf']): ((path: string) => boolean) | undefined {
  if (scope.kind === 'workspace') return undefined;
  if (scope.kind === 'folder') {
    // A workspace folder itself has no path within the workspace: clients name it by its place on disk.
    const path = isAbsolute(scope.path) ? (pathOf(resolve(scope.path)) ?? scope.path) : scope.path;
    const prefix = path.replace(/\/*$/, '/');
    return prefix === '/' || prefix === './' ? undefined : (path) => path.startsWith(prefix);
  }
  const wanted = pathOf(scope.file);
  return (path) => path === wanted;
}

function inScope(scope: Scope, unit: { startLine: number; endLine: number }): boolean {
  return scope.kind !== 'selection' || (unit.startLine <= scope.endLine && unit.endLine >= scope.startLine);
}

interface Choice {
  document: RankedDocument;
  read: ReadDocument;
  unit: ScoredUnit;
}

/**
 * What is taken off a file's span that comes after `before` others of it: from the fourth on twice as much for each.
 */
const saturation = (before: number): number => SPAN_WEIGHTS.saturation * (before + Math.max(0, before - 2));

/**
 * All units by score, each further one of the same file worth a little less, and none beyond half of the list, so that
 * one file does not push out the rest. What is left over fills the list when there is nothing else. Parts of a
 * definition that is not too long become the whole of it, once.
 */
function arrange(
  candidates: readonly { document: RankedDocument; read: ReadDocument; units: ScoredUnit[] }[],
  limit: number,
): Choice[] {
  const mostOfOneFile = Math.max(3, Math.ceil(limit / 2));
  const choices = candidates.flatMap(({ document, read, units }) =>
    units.map((unit, i) => ({
      document,
      read,
      unit: { ...unit, score: unit.score - saturation(i) },
      beyond: i >= mostOfOneFile,
    })),
  );
  choices.sort((a, b) => b.unit.score - a.unit.score);
  const taken: Choice[] = [];
  for (const { document, read, unit } of [
    ...choices.filter(({ beyond }) => !beyond),
    ...choices.filter(({ beyond }) => beyond),
  ]) {
    if (taken.length === limit) break;
    const whole = widen(unit, read);
    if (
      !taken.some(
        (other) =>
          other.read === read && other.unit.startLine <= whole.startLine && whole.endLine <= other.unit.endLine,
      )
    )
      taken.push({ document, read, unit: whole });
  }
  return taken.sort((a, b) => b.unit.score - a.unit.score);
}
