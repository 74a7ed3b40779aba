import type { MemorySegment } from '../memory';
import type { RankedSpan } from '../protocol';
import type { ReadDocument } from '../workspace';
import type { Candidate } from './fusion';

interface IndexedDocuments {
  /** Returns an indexed document with its segments. Undefined when the file has changed since. */
  indexed(path: string): Promise<ReadDocument | undefined>;
}

/**
 * Turns the best candidates into at most `most` spans. A segment whose file has changed has no lines to show and is
 * omitted. The result is empty when no word was found: some segment is always nearest, which proves nothing.
 */
export async function spansOf(
  candidates: readonly Candidate[],
  documents: IndexedDocuments,
  most: number,
): Promise<readonly RankedSpan[]> {
  if (!candidates.some(({ span }) => span)) return [];
  const spans: RankedSpan[] = [];
  for (const { span, segments, score, similarity, reasons } of candidates.slice(0, most)) {
    const [segment] = segments;
    const place = span ?? (segment && (await spanOfSegment(segment, documents)));
    if (!place) continue;
    const found = { ...place, score, reasons: [...place.reasons, ...reasons] };
    spans.push(similarity === undefined ? found : { ...found, similarity });
  }
  return spans;
}

/** Returns the lines of a segment as a span. Undefined when its file has changed since it was encoded. */
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
    ...(segment?.kind === 'prose' ? { kind: segment.kind } : {}),
  };
}
