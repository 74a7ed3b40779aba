import type { Part } from './part';

/** BM25's inverse document frequency, positive for every term (Lucene's form). */
export const inverseFrequency = (total: number, having: number): number =>
  having === 0 ? 0 : Math.log(1 + (total - having + 0.5) / (having + 0.5));

export interface Totals {
  documents: number;
  segments: number;
  averageDocument: number;
  averageSegment: number;
}

export function countLive(parts: readonly Part[]): Totals {
  let documents = 0;
  let segments = 0;
  let length = 0;
  for (const { tables } of parts) {
    documents += tables.live;
    for (let row = 0; row < tables.documents.length; row++) {
      if (tables.removed[row] === 1) continue;
      segments += tables.endSegment(row) - tables.firstSegment.at(row);
      length += tables.documentLength.at(row);
    }
  }
  return {
    documents,
    segments,
    averageDocument: Math.max(1, length / Math.max(1, documents)),
    averageSegment: Math.max(1, length / Math.max(1, segments)),
  };
}

/** Adds weight · tf' / (k1 + tf') to the score of each touched row, and clears the frequency for the next term. */
export function saturate(
  frequency: Float32Array,
  score: Float32Array,
  touched: readonly number[],
  weight: number,
  k1: number,
): void {
  for (const row of touched) {
    const f = frequency[row] as number;
    score[row] = (score[row] as number) + (weight * f) / (k1 + f);
    frequency[row] = 0;
  }
}
