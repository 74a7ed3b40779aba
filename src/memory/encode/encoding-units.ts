import { createHash } from 'node:crypto';
import { pathKind, SEGMENTER_VERSION, type Document, type SegmentedDocument } from '../../workspace';
import { KEY_BYTES } from '../store/record';

/**
 * A text that is encoded in one piece: a segment, or a part of a segment that is one huge line. Lines are 1-based and
 * inclusive.
 */
export interface EncodingUnit {
  /** Content key (hex). Equal text has equal rows in every file. */
  key: string;
  startLine: number;
  endLine: number;
  /** Character offsets [start, end) in the document's text. */
  start: number;
  end: number;
}

/**
 * Maximum characters of a unit. Segments have at most 2,000 characters unless one line is longer; such a line is
 * split, so that an answer need not wait for all of it.
 */
const MAX_UNIT_CHARACTERS = 8_000;

/** Returns a string that identifies everything compressed rows depend on besides the text. */
export function memoryVersion(modelFingerprint: string): string {
  return `${modelFingerprint}:segmenter-${SEGMENTER_VERSION}:f16-3`;
}

export function memoryKey(text: string, version: string): string {
  return createHash('sha256')
    .update(version)
    .update('\0')
    .update(text)
    .digest('hex')
    .slice(0, 2 * KEY_BYTES);
}

/** Formats that hold drawings, tables, recorded output or translations, and no text about the code. */
const NEVER_ENCODED = /\.(?:svg|csv|tsv|snap|map|po|pot|xlf|xliff|lottie|geojson)$/i;
const DATA = /\.(?:jsonc?|jsonl|ya?ml|xml|plist|resx|lock)$/i;
/** Larger files of data are dumps; settings are smaller. */
const MOST_SETTINGS_CHARACTERS = 20_000;

/**
 * Whether the text of a document is encoded. Drawings, data dumps, the data of tests, translations, and code of third
 * parties are found by their words, names and structure alone: as text they say little and cost much.
 */
export function isEncoded({ path, text }: Pick<Document, 'path' | 'text'>): boolean {
  const { foreign, lock, test } = pathKind(path);
  if (foreign || lock || NEVER_ENCODED.test(path)) return false;
  return !DATA.test(path) || (!test && text.length <= MOST_SETTINGS_CHARACTERS);
}

/**
 * Cuts a document into units that cover its whole text, except segments of white space. A document that is not encoded
 * has none.
 */
export function unitsOf(document: Document, { segments }: SegmentedDocument, version: string): EncodingUnit[] {
  const units: EncodingUnit[] = [];
  if (!isEncoded(document)) return units;
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

/**
 * Returns the end of a part that begins at `from`: after the last white space that fits, and never within a surrogate
 * pair.
 */
function partEnd(text: string, from: number, end: number): number {
  const most = from + MAX_UNIT_CHARACTERS;
  if (end <= most) return end;
  for (let at = most; at > from + MAX_UNIT_CHARACTERS / 2; at--) if (/\s/.test(text.charAt(at - 1))) return at;
  const pair = text.charCodeAt(most - 1);
  return pair >= 0xd800 && pair < 0xdc00 ? most - 1 : most;
}
