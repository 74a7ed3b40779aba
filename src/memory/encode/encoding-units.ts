import { createHash } from 'node:crypto';
import { SEGMENTER_VERSION, type Document, type SegmentedDocument } from '../../workspace';
import { KEY_BYTES } from '../store/pack';

/** What is encoded as one: a segment, or a part of one that is a single huge line. Lines are 1-based and inclusive. */
export interface MemoryUnit {
  /** Hex content key: the same text has the same memories wherever it stands. */
  key: string;
  startLine: number;
  endLine: number;
  /** Character offsets [start, end) in the document's text. */
  start: number;
  end: number;
}

/**
 * Segments are at most 2,000 characters unless one line is longer; beyond this such a line is encoded in parts, so that
 * an answer need not wait for it.
 */
const MAX_UNIT_CHARACTERS = 8_000;

/** Everything that memories depend on besides the text. */
export function memoryVersion(modelFingerprint: string): string {
  return `${modelFingerprint}:segmenter-${SEGMENTER_VERSION}:f16-2`;
}

export function memoryKey(text: string, version: string): string {
  return createHash('sha256')
    .update(version)
    .update('\0')
    .update(text)
    .digest('hex')
    .slice(0, 2 * KEY_BYTES);
}

/** The units of a document, in order; together they are its whole text but for segments of nothing but white space. */
export function unitsOf(document: Document, { segments }: SegmentedDocument, version: string): MemoryUnit[] {
  const units: MemoryUnit[] = [];
  for (const { startLine, endLine, start, end } of segments) {
    for (let from = start; from < end;) {
      const to = partEnd(document.text, from, end);
      const text = document.text.slice(from, to);
      if (text.trim() !== '') units.push({ key: memoryKey(text, version), startLine, endLine, start: from, end: to });
      from = to;
    }
  }
  return units;
}

/** Where a part that begins at `from` ends: behind the last white space that fits, never within a surrogate pair. */
function partEnd(text: string, from: number, end: number): number {
  const most = from + MAX_UNIT_CHARACTERS;
  if (end <= most) return end;
  for (let at = most; at > from + MAX_UNIT_CHARACTERS / 2; at--) if (/\s/.test(text.charAt(at - 1))) return at;
  const pair = text.charCodeAt(most - 1);
  return pair >= 0xd800 && pair < 0xdc00 ? most - 1 : most;
}
