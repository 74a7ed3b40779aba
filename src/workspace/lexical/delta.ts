import type { Document, SegmentedDocument } from '../types';
import { GrowableInt32 } from './growable';
import { type Part, PartTables, type PostingList, SEGMENT_KINDS } from './part';
import { definitionTerm, pathTerm, scanTokens, stemTerm, textTerms } from './terms';
import { TokenTable } from './token-table';
import { languageOfDocument, type WrittenLanguage } from './written-language';
import { type DocumentId, Field } from './types';

/**
 * The part of the index in memory. Postings are appended in arrival order, each linked to the previous one of its
 * term. Adding therefore allocates nothing per term, and a search walks only the terms of its query.
 */
export class Delta implements Part {
  readonly tables = new PartTables();
  readonly tokens = new TokenTable();
  /** Last posting of each term id, or −1. */
  private heads = new Int32Array(1 << 12).fill(-1);
  private readonly postingSegment = new GrowableInt32(1 << 14);
  private readonly postingValue = new GrowableInt32(1 << 14);
  private readonly postingBefore = new GrowableInt32(1 << 14);
  /** Body frequency and field bits of each term in the current segment, and the list of its terms. */
  private frequency = new Int32Array(1 << 12);
  private fields = new Uint8Array(1 << 12);
  private readonly touched = new GrowableInt32();

  /** Estimated size in memory, in bytes. */
  get bytes(): number {
    const columns = this.postingSegment.bytes + this.postingValue.bytes + this.postingBefore.bytes;
    return (
      columns +
      this.heads.byteLength * 3 +
      this.tokens.bytes +
      this.tables.segments * 20 +
      this.tables.documents.length * 400
    );
  }

  add(docId: DocumentId, document: Document, segmented: SegmentedDocument): number {
    const { path, language, hash, text } = document;
    const row = this.tables.addDocument({ docId, path, language, hash, imports: [...segmented.imports] });
    const segments =
      segmented.segments.length > 0
        ? segmented.segments
        : [{ startLine: 1, endLine: 1, start: 0, end: 0, kind: 'code' as const, symbols: [], breadcrumb: [] }];
    const written = segments.some(({ kind }) => kind === 'prose') ? languageOfDocument(text) : 'en';
    for (const [ordinal, segment] of segments.entries()) {
      const own = segment.kind === 'prose' ? written : 'en';
      const length = this.countBody(text, segment.start, Math.min(segment.end, text.length), own);
      for (const index of segment.symbols) {
        const symbol = segmented.symbols[index];
        if (symbol === undefined) continue;
        this.mark(textTerms(symbol.name, own), Field.Symbol);
        this.mark([definitionTerm(symbol.name)], Field.Symbol);
        if (symbol.doc !== undefined) this.mark(textTerms(symbol.doc), Field.Doc);
      }
      for (const name of segment.breadcrumb) this.mark(textTerms(name, own), Field.Breadcrumb);
      if (ordinal === 0) this.markPath(path);
      const kind = SEGMENT_KINDS.indexOf(segment.kind);
      this.close(this.tables.addSegment(segment.startLine, segment.endLine, kind, length));
    }
    return row;
  }

  /** Counts the terms of text[start, end). Returns their number with repetition. */
  private countBody(text: string, start: number, end: number, language: WrittenLanguage): number {
    let length = 0;
    scanTokens(text, start, end, (from, to, hash) => {
      const ids = this.tokens.lookup(text, from, to, hash, language);
      if (ids.length === 0) return;
      length++;
      for (const id of ids) {
        this.touch(id);
        this.frequency[id] = (this.frequency[id] as number) + 1;
      }
    });
    return length;
  }

  private mark(terms: readonly string[], field: Field): void {
    for (const term of terms) {
      const id = this.tokens.id(term);
      this.touch(id);
      this.fields[id] = (this.fields[id] as number) | field;
    }
  }

  /**
   * Indexes a document's path with its first segment, under separate terms: folders and name as words, and the whole
   * name.
   */
  private markPath(path: string): void {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const terms = [...textTerms(path).map(pathTerm), stemTerm(name.replace(/\.[^.]*$/, '')), `/=${name.toLowerCase()}`];
    for (const term of terms) {
      const id = this.tokens.id(term);
      this.touch(id);
      this.frequency[id] = (this.frequency[id] as number) + 1;
    }
  }

  private touch(id: number): void {
    if (id >= this.frequency.length) this.growTerms(id);
    if (this.frequency[id] === 0 && this.fields[id] === 0) this.touched.push(id);
  }

  private growTerms(id: number): void {
    const size = Math.max(this.frequency.length * 2, id + 1);
    const frequency = new Int32Array(size);
    frequency.set(this.frequency);
    this.frequency = frequency;
    const fields = new Uint8Array(size);
    fields.set(this.fields);
    this.fields = fields;
    const heads = new Int32Array(size).fill(-1);
    heads.set(this.heads);
    this.heads = heads;
  }

  /** Writes the collected terms as postings of `segment`. */
  private close(segment: number): void {
    for (let i = 0; i < this.touched.length; i++) {
      const id = this.touched.at(i);
      this.postingSegment.push(segment);
      this.postingValue.push((Math.min(this.frequency[id] as number, 0xfffff) << 3) | (this.fields[id] as number));
      this.heads[id] = this.postingBefore.push(this.heads[id] as number);
      this.frequency[id] = 0;
      this.fields[id] = 0;
    }
    this.touched.length = 0;
  }

  read(term: string, into: PostingList): void {
    const id = this.tokens.find(term);
    if (id === undefined || id >= this.heads.length) into.clear();
    else this.readId(id, into);
  }

  readId(id: number, into: PostingList): void {
    let count = 0;
    for (let p = this.heads[id] as number; p >= 0; p = this.postingBefore.at(p)) count++;
    into.clear(count);
    into.length = count;
    for (let p = this.heads[id] as number; p >= 0; p = this.postingBefore.at(p)) {
      count--;
      into.segments[count] = this.postingSegment.at(p);
      into.values[count] = this.postingValue.at(p);
    }
  }
}
