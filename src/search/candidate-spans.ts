import type { MemorySegment } from '../memory';
import type { RankedSpan } from '../protocol';
import type { ReadDocument } from '../workspace';
import type { Candidate } from './fusion';

interface IndexedDocuments {
  /** An indexed document with its segments; undefined when the file has changed since. */
  indexed(path: string): Promise<ReadDocument | undefined>;
}

/**
 * The best candidates as spans, at most `most`. A segment whose file has changed has no lines to show and is left out.
 *
 * Nothing is returned where no word was found: some segment is always the nearest one, and that proves nothing.
 */
export async function spansOf(
  candidates: readonly Candidate[],
  documents: IndexedDocuments,
  most: number,
): Promise<readonly RankedSpan[]> {
  if (!candidates.some(({ span }) => span)) return [];
  const spans: RankedSpan[] = [];
  for (const { span, segments, score, reasons } of candidates.slice(0, most)) {
    const [segment] = segments;
    const place = span ?? (segment && (await spanOfSegment(segment, documents)));
    if (place) spans.push({ ...place, score, reasons: [...place.reasons, ...reasons] });
  }
  return spans;
}

/** The lines of a segment as a span; undefined when its file has changed since it was encoded. */
async function spanOfSegment(
  { path, file, hash, startLine, endLine, start, end }: MemorySegment,
  documents: IndexedDocuments,
): Promise<RankedSpan | undefined> {
  const found = await documents.indexed(path);
  if (found?.document.hash !== hash) return undefined;
  const { document, segmented } = found;
  const segment = segmented.segments.find((each) => each.start <= start && end <= each.end);
  return {
    file,
    path,
    startLine,
    endLine,
    score: 0,
    breadcrumb: segment?.breadcrumb ?? [],
    reasons: [],
    text: document.text.slice(start, end),
    language: document.language,
  };
}
