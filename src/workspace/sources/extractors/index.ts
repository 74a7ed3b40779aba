/**
 * Document types. Each is one file that turns bytes into text and a map from lines back to places; a new type is its
 * file and a line in EXTRACTORS (docs/how-to/add-a-document-type.md).
 */
import type { Extractor } from './extractor';
import { NOTEBOOK } from './notebook';
import { TEXT } from './text';

export { ExtractionError, type Extraction, type ExtractionLimits, type Extractor } from './extractor';

/** The first that accepts a file reads it; plain text accepts every file. */
const EXTRACTORS: readonly Extractor[] = [NOTEBOOK, TEXT];

/** The extractor for a file. @param head its first bytes; by name alone where they are not read yet */
export function extractorFor(path: string, head: Uint8Array = new Uint8Array()): Extractor {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1).toLowerCase();
  return EXTRACTORS.find((extractor) => extractor.accepts(name, head)) ?? TEXT;
}

/** Whether the lines of a file are its own: then an editor's text can stand for it. */
export function isPlainText(path: string): boolean {
  return extractorFor(path) === TEXT;
}

/** Largest file that is read, in bytes. @param maxFileBytes the limit of the setting, for text */
export function maxBytesOf(path: string, maxFileBytes: number): number {
  return Math.max(maxFileBytes, extractorFor(path).maxBytes ?? 0);
}
