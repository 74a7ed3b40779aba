import { type Part, type PostingList, SEGMENT_KINDS } from './part';
import { Field, type Occurrence } from './types';

/** Finds at most `limit` live segments of `parts` with a term. `list` is a reused buffer. */
export function occurrencesIn(parts: readonly Part[], term: string, limit: number, list: PostingList): Occurrence[] {
  const found: Occurrence[] = [];
  for (const part of parts) {
    part.read(term, list);
    const { tables } = part;
    for (let i = 0; i < list.length && found.length < limit; i++) {
      const s = list.segments[i] as number;
      const row = tables.segmentDocument.at(s);
      const document = tables.documents[row];
      if (document === undefined || tables.removed[row] === 1) continue;
      const value = list.values[i] as number;
      const segment = {
        ordinal: s - tables.firstSegment.at(row),
        startLine: tables.startLine.at(s),
        endLine: tables.endLine.at(s),
        kind: SEGMENT_KINDS[tables.segmentKind.at(s)] ?? 'code',
      };
      found.push({
        docId: document.docId,
        path: document.path,
        segment,
        frequency: value >> 3,
        defines: (value & Field.Symbol) !== 0,
      });
    }
  }
  return found;
}
