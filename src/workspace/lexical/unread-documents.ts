import type { DocumentId } from './types';

/**
 * Documents that a pass found and has not indexed yet, with the terms of one question that they hold. A search of the
 * index so far weighs its terms as one of the whole index would: those files are indexed first that hold the
 * question's rare words, which would otherwise seem to be common.
 */
export class UnreadDocuments {
  private readonly bits: ReadonlyMap<string, number>;

  /**
   * @param terms the question's, at most 32
   * @param masks for each document, bit i is set where it holds term i
   */
  constructor(
    terms: readonly string[],
    private readonly masks: ReadonlyMap<DocumentId, number>,
  ) {
    this.bits = new Map(terms.map((term, i) => [term, 1 << i]));
  }

  /** Counts those that `isRead` does not have yet: all, and the ones that hold each of the terms. */
  count(terms: readonly string[], isRead: (id: DocumentId) => boolean): UnreadCounts {
    const bits = terms.map((term) => this.bits.get(term) ?? 0);
    const having = bits.map(() => 0);
    let documents = 0;
    for (const [id, mask] of this.masks) {
      if (isRead(id)) continue;
      documents++;
      if (mask === 0) continue;
      for (let i = 0; i < bits.length; i++) if (mask & (bits[i] as number)) having[i] = (having[i] as number) + 1;
    }
    return { documents, having };
  }
}

export interface UnreadCounts {
  documents: number;
  /** For each term of the query. */
  having: readonly number[];
}
