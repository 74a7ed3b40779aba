import { type Part, PostingList, SEGMENT_KINDS } from './part';
import { countLive, inverseFrequency, saturate, type Totals } from './bm25';
import {
  type BestSegment,
  type DocumentHit,
  type LexicalResult,
  MAX_QUERY_TERMS,
  type SearchOptions,
  type SegmentHit,
} from './results';
import { pathTerm } from './terms';
import { Field, type QueryTerm } from './types';
import type { UnreadCounts } from './unread-documents';

export { type DocumentHit, type LexicalResult, MAX_QUERY_TERMS, type SegmentHit } from './results';

/**
 * Scores every document and segment for a query, one term at a time. A first pass over a term's postings adds to dense
 * arrays. A second pass over the touched rows applies the saturation, because the document frequency is known only
 * then. The search is exhaustive. At 60,000 segments a question reads a few hundred thousand postings, which takes
 * milliseconds.
 */
export class Searcher {
  private documentScore = new Float32Array(0);
  private documentTerm = new Float32Array(0);
  private documentMatched = new Int32Array(0);
  private documentSymbol = new Int32Array(0);
  private documentDoc = new Int32Array(0);
  private documentPath = new Int32Array(0);
  private segmentScore = new Float32Array(0);
  private segmentTerm = new Float32Array(0);
  private segmentMatched = new Int32Array(0);
  private segmentSymbol = new Int32Array(0);
  private segmentDoc = new Int32Array(0);
  private segmentBreadcrumb = new Int32Array(0);
  private readonly list = new PostingList();

  /** @param unread documents that are not in `parts` yet and count in the statistics of the terms */
  search(
    parts: readonly Part[],
    query: readonly QueryTerm[],
    options: SearchOptions,
    unread?: UnreadCounts,
  ): LexicalResult {
    const terms = query.slice(0, MAX_QUERY_TERMS);
    const bases = this.reset(parts);
    const totals = countLive(parts);
    const documentIdf: number[] = [];
    const segmentIdf: number[] = [];
    for (let bit = 0; bit < terms.length; bit++) {
      const touched = this.accumulate(parts, bases, terms[bit] as QueryTerm, 1 << bit, options, totals);
      const { documents, segments } = frequenciesOf(touched, totals, unread, bit);
      documentIdf.push(inverseFrequency(documents.total, documents.having));
      segmentIdf.push(inverseFrequency(segments.total, segments.having));
      const weight = (terms[bit] as QueryTerm).weight;
      saturate(
        this.documentTerm,
        this.documentScore,
        touched.documents,
        weight * (documentIdf[bit] as number),
        options.documents.k1,
      );
      saturate(
        this.segmentTerm,
        this.segmentScore,
        touched.segments,
        weight * (segmentIdf[bit] as number),
        options.segments.k1,
      );
    }
    const documents = this.collect(parts, bases, options);
    return { documents, segments: this.bestSegments(parts, bases, options), documentIdf, segmentIdf };
  }

  private reset(parts: readonly Part[]): { document: number; segment: number }[] {
    let document = 0;
    let segment = 0;
    const bases = parts.map((part) => {
      const base = { document, segment };
      document += part.tables.documents.length;
      segment += part.tables.segments;
      return base;
    });
    if (this.documentScore.length < document) {
      const n = Math.ceil(document * 1.25);
      this.documentScore = new Float32Array(n);
      this.documentTerm = new Float32Array(n);
      this.documentMatched = new Int32Array(n);
      this.documentSymbol = new Int32Array(n);
      this.documentDoc = new Int32Array(n);
      this.documentPath = new Int32Array(n);
    } else
      for (const array of [
        this.documentScore,
        this.documentMatched,
        this.documentSymbol,
        this.documentDoc,
        this.documentPath,
      ])
        array.fill(0, 0, document);
    if (this.segmentScore.length < segment) {
      const n = Math.ceil(segment * 1.25);
      this.segmentScore = new Float32Array(n);
      this.segmentTerm = new Float32Array(n);
      this.segmentMatched = new Int32Array(n);
      this.segmentSymbol = new Int32Array(n);
      this.segmentDoc = new Int32Array(n);
      this.segmentBreadcrumb = new Int32Array(n);
    } else
      for (const array of [
        this.segmentScore,
        this.segmentMatched,
        this.segmentSymbol,
        this.segmentDoc,
        this.segmentBreadcrumb,
      ])
        array.fill(0, 0, segment);
    return bases;
  }

  /**
   * Sums the weighted frequency (tf' of BM25F) of a term and its alternatives for every document and segment that has
   * any.
   */
  private accumulate(
    parts: readonly Part[],
    bases: readonly { document: number; segment: number }[],
    query: QueryTerm,
    bit: number,
    options: SearchOptions,
    totals: Totals,
  ): Touched {
    const touched: Touched = { documents: [], segments: [] };
    const forms = [{ term: query.term, weight: 1 }, ...(query.alternatives ?? [])];
    for (const [p, part] of parts.entries()) {
      const base = bases[p] as { document: number; segment: number };
      for (const form of forms) {
        part.read(form.term, this.list);
        this.addBody(part, base, form.weight, bit, options, totals, touched);
        part.read(pathTerm(form.term), this.list);
        this.addPath(part, base, form.weight, bit, options.documents.path, touched);
      }
    }
    return touched;
  }

  private addBody(
    part: Part,
    base: { document: number; segment: number },
    weight: number,
    bit: number,
    options: SearchOptions,
    totals: Totals,
    touched: Touched,
  ): void {
    const { segments, values, length } = this.list;
    const { tables } = part;
    const { documents: dw, segments: sw } = options;
    for (let i = 0; i < length; i++) {
      const row = segments[i] as number;
      const documentRow = tables.segmentDocument.at(row);
      if (tables.removed[documentRow] === 1) continue;
      const value = values[i] as number;
      const frequency = value >> 3;
      const symbol = value & Field.Symbol;
      const doc = (value & Field.Doc) >> 1;
      const breadcrumb = (value & Field.Breadcrumb) >> 2;

      const segment = base.segment + row;
      const segmentNorm = 1 - sw.b + (sw.b * tables.segmentLength.at(row)) / totals.averageSegment;
      if (this.segmentTerm[segment] === 0) touched.segments.push(segment);
      this.segmentTerm[segment] =
        (this.segmentTerm[segment] as number) +
        weight * ((sw.body * frequency) / segmentNorm + sw.symbol * symbol + sw.doc * doc + sw.breadcrumb * breadcrumb);
      this.segmentMatched[segment] = (this.segmentMatched[segment] as number) | bit;
      if (symbol) this.segmentSymbol[segment] = (this.segmentSymbol[segment] as number) | bit;
      if (doc) this.segmentDoc[segment] = (this.segmentDoc[segment] as number) | bit;
      if (breadcrumb) this.segmentBreadcrumb[segment] = (this.segmentBreadcrumb[segment] as number) | bit;

      const document = base.document + documentRow;
      const documentNorm = 1 - dw.b + (dw.b * tables.documentLength.at(documentRow)) / totals.averageDocument;
      if (this.documentTerm[document] === 0) touched.documents.push(document);
      this.documentTerm[document] =
        (this.documentTerm[document] as number) +
        weight *
          ((dw.body * frequency + dw.symbol * symbol + dw.doc * doc + dw.breadcrumb * breadcrumb) / documentNorm);
      this.documentMatched[document] = (this.documentMatched[document] as number) | bit;
      if (symbol) this.documentSymbol[document] = (this.documentSymbol[document] as number) | bit;
      if (doc) this.documentDoc[document] = (this.documentDoc[document] as number) | bit;
    }
  }

  private addPath(
    part: Part,
    base: { document: number; segment: number },
    weight: number,
    bit: number,
    fieldWeight: number,
    touched: Touched,
  ): void {
    const { segments, values, length } = this.list;
    for (let i = 0; i < length; i++) {
      const row = part.tables.segmentDocument.at(segments[i] as number);
      if (part.tables.removed[row] === 1) continue;
      const document = base.document + row;
      this.documentPath[document] = (this.documentPath[document] as number) | bit;
      this.documentMatched[document] = (this.documentMatched[document] as number) | bit;
      if (fieldWeight === 0) continue;
      if (this.documentTerm[document] === 0) touched.documents.push(document);
      this.documentTerm[document] =
        (this.documentTerm[document] as number) + weight * fieldWeight * ((values[i] as number) >> 3);
    }
  }

  /**
   * Collects the best documents with their best segments, ordered by the sum of both scores. Later ranking refines the
   * order.
   */
  private collect(
    parts: readonly Part[],
    bases: readonly { document: number; segment: number }[],
    options: SearchOptions,
  ): DocumentHit[] {
    const candidates: { part: number; row: number; key: number }[] = [];
    for (const [p, part] of parts.entries()) {
      const { tables } = part;
      const base = bases[p] as { document: number; segment: number };
      for (let row = 0; row < tables.documents.length; row++) {
        if (tables.removed[row] === 1 || this.documentMatched[base.document + row] === 0) continue;
        if (options.filter && !options.filter((tables.documents[row] as { path: string }).path)) continue;
        let best = 0;
        for (let s = tables.firstSegment.at(row), end = tables.endSegment(row); s < end; s++) {
          const score = this.segmentScore[base.segment + s] as number;
          if (score > best) best = score;
        }
        candidates.push({ part: p, row, key: (this.documentScore[base.document + row] as number) + best });
      }
    }
    candidates.sort((a, b) => b.key - a.key);
    return candidates
      .slice(0, options.limit)
      .map(({ part, row }) =>
        this.hit(parts[part] as Part, bases[part] as { document: number; segment: number }, row, options),
      );
  }

  /** Collects the best segments, whatever the rank of their documents. */
  private bestSegments(
    parts: readonly Part[],
    bases: readonly { document: number; segment: number }[],
    { bestSegments, filter }: SearchOptions,
  ): BestSegment[] {
    if (!bestSegments) return [];
    const { limit } = bestSegments;
    const kind = bestSegments.kind === undefined ? undefined : SEGMENT_KINDS.indexOf(bestSegments.kind);
    let best: BestSegment[] = [];
    let least = 0;
    for (const [p, { tables }] of parts.entries()) {
      const base = bases[p] as { document: number; segment: number };
      for (let s = 0; s < tables.segments; s++) {
        const score = this.segmentScore[base.segment + s] as number;
        if (score <= 0 || score < least) continue;
        if (kind !== undefined && tables.segmentKind.at(s) !== kind) continue;
        const row = tables.segmentDocument.at(s);
        const { docId, path } = tables.documents[row] as Part['tables']['documents'][number];
        if (tables.removed[row] === 1 || (filter && !filter(path))) continue;
        const documentScore = this.documentScore[base.document + row] as number;
        const ordinal = s - tables.firstSegment.at(row);
        best.push({ docId, path, ordinal, startLine: tables.startLine.at(s), score, documentScore });
        if (best.length < 2 * limit) continue;
        best = best.sort(byScore).slice(0, limit);
        least = best.at(-1)?.score ?? 0;
      }
    }
    return best.sort(byScore).slice(0, limit);
  }

  private hit(
    part: Part,
    base: { document: number; segment: number },
    row: number,
    options: SearchOptions,
  ): DocumentHit {
    const { tables } = part;
    const segments: SegmentHit[] = [];
    const first = tables.firstSegment.at(row);
    for (let s = first, end = tables.endSegment(row); s < end; s++) {
      const segment = base.segment + s;
      if (this.segmentMatched[segment] === 0) continue;
      segments.push({
        ordinal: s - first,
        startLine: tables.startLine.at(s),
        endLine: tables.endLine.at(s),
        kind: SEGMENT_KINDS[tables.segmentKind.at(s)] ?? 'code',
        score: this.segmentScore[segment] as number,
        matched: this.segmentMatched[segment] as number,
        symbol: this.segmentSymbol[segment] as number,
        doc: this.segmentDoc[segment] as number,
        breadcrumb: this.segmentBreadcrumb[segment] as number,
      });
    }
    segments.sort((a, b) => b.score - a.score || a.ordinal - b.ordinal);
    const { docId, path, language, imports } = tables.documents[row] as Part['tables']['documents'][number];
    const document = base.document + row;
    return {
      docId,
      path,
      language,
      imports,
      length: tables.documentLength.at(row),
      score: this.documentScore[document] as number,
      matched: this.documentMatched[document] as number,
      symbol: this.documentSymbol[document] as number,
      doc: this.documentDoc[document] as number,
      inPath: this.documentPath[document] as number,
      segments: segments.slice(0, options.segmentsPerDocument),
    };
  }
}

/** Equal scores are ordered by place, so that the order of indexing does not show. */
const byScore = (a: BestSegment, b: BestSegment): number =>
  b.score - a.score || (a.path < b.path ? -1 : a.path > b.path ? 1 : a.ordinal - b.ordinal);

interface Touched {
  documents: number[];
  segments: number[];
}

interface Frequency {
  total: number;
  having: number;
}

/** Counts what has a term. Unread documents are taken to have as many segments as those of the index. */
function frequenciesOf(
  { documents, segments }: Touched,
  totals: Totals,
  unread: UnreadCounts | undefined,
  term: number,
): { documents: Frequency; segments: Frequency } {
  const inDocuments = { total: totals.documents, having: documents.length };
  const inSegments = { total: totals.segments, having: segments.length };
  // A term that nothing indexed has scores nothing.
  if (!unread || documents.length === 0) return { documents: inDocuments, segments: inSegments };
  const more = unread.having[term] ?? 0;
  return {
    documents: { total: totals.documents + unread.documents, having: documents.length + more },
    segments: {
      total: totals.segments * (1 + unread.documents / Math.max(1, totals.documents)),
      having: segments.length * (1 + more / documents.length),
    },
  };
}
