import { createHash } from 'node:crypto';
import { SEGMENTER_VERSION, type Document, type SegmentedDocument } from '../../workspace';
import { KEY_BYTES } from '../store/pack';

/**
 * A text that is encoded at once: a segment, or a part of a segment that is one huge line. Lines are 1-based and
 * inclusive.
 */
export interface EncodingUnit {
  /** Hex content key: equal text has equal rows wherever it is. */
  key: string;
  startLine: number;
  endLine: number;
  /** Character offsets [start, end) in the document's text. */
  start: number;
  end: number;
}

/**
 * Segments have at most 2,000 characters unless one line is longer. Such a line is encoded in parts of this size, so
 * that an answer need not wait for it.
 */
const MAX_UNIT_CHARACTERS = 8_000;

/** A string over everything that compressed rows depend on besides the text. */
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

/** Cuts a document into units. Together they are its whole text, except segments of white space. */
export function unitsOf(document: Document, { segments }: SegmentedDocument, version: string): EncodingUnit[] {
  const units: EncodingUnit[] = [];
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

/** The end of a part that begins at `from`: behind the last white space that fits, never within a surrogate pair. */
function partEnd(text: string, from: number, end: number): number {
  const most = from + MAX_UNIT_CHARACTERS;
  if (end <= most) return end;
  for (let at = most; at > from + MAX_UNIT_CHARACTERS / 2; at--) if (/\s/.test(text.charAt(at - 1))) return at;
  const pair = text.charCodeAt(most - 1);
  return pair >= 0xd800 && pair < 0xdc00 ? most - 1 : most;
}
