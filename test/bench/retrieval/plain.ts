import type { Document } from '../../../src/workspace/types';

/**
 * The baseline: file-level BM25 (k1 1.2, b 0.75) over lower-case words with split identifiers, without stemming,
 * fields and rules.
 */
export class PlainBm25 {
  private readonly postings = new Map<string, { row: number; frequency: number }[]>();
  private readonly lengths: number[] = [];

  constructor(private readonly documents: readonly Pick<Document, 'path' | 'text'>[]) {
    documents.forEach(({ path, text }, row) => {
      const counts = new Map<string, number>();
      const words = split(`${path}\n${text}`);
      for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
      this.lengths.push(words.length);
      for (const [word, frequency] of counts) {
        const list = this.postings.get(word);
        if (list) list.push({ row, frequency });
        else this.postings.set(word, [{ row, frequency }]);
      }
    });
  }

  search(question: string): string[] {
    const average = this.lengths.reduce((a, b) => a + b, 0) / Math.max(1, this.lengths.length);
    const scores = new Map<number, number>();
    for (const word of new Set(split(question))) {
      const list = this.postings.get(word) ?? [];
      const idf = Math.log(1 + (this.documents.length - list.length + 0.5) / (list.length + 0.5));
      for (const { row, frequency } of list) {
        const norm = 1.2 * (0.25 + (0.75 * (this.lengths[row] as number)) / average);
        scores.set(row, (scores.get(row) ?? 0) + (idf * frequency * 2.2) / (frequency + norm));
      }
    }
    return [...scores]
      .sort((a, b) => b[1] - a[1])
      .slice(0, 50)
      .map(([row]) => (this.documents[row] as { path: string }).path);
  }
}

function split(text: string): string[] {
  return (
    text
      .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? []
  ).filter((word) => word.length > 1);
}
