/**
 * Document types. Each is one file that converts bytes to text and a map from lines to places. A new type needs its
 * file and an entry in EXTRACTORS. A type that runs in the thread also needs an entry in EXTRACT of extraction-work.ts
 * (docs/how-to/add-a-document-type.md).
 */
import type { Extractor } from './extractor';
import { DOCX, EPUB, PDF } from './binary-documents';
import { HTML } from './html';
import { NOTEBOOK } from './notebook';
import { TEXT } from './text';

export {
  ExtractionError,
  type ExtractionErrorCode,
  type Extraction,
  type ExtractionLimits,
  type Extractor,
} from './extractor';

/** The first extractor that accepts a file reads it. Plain text accepts every file. */
const EXTRACTORS: readonly Extractor[] = [NOTEBOOK, HTML, PDF, EPUB, DOCX, TEXT];

/**
 * Returns the extractor for a file.
 * @param head its first bytes; without them the name alone decides
 */
export function extractorFor(path: string, head: Uint8Array = new Uint8Array()): Extractor {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1).toLowerCase();
  return EXTRACTORS.find((extractor) => extractor.accepts(name, head)) ?? TEXT;
}

/** Whether the extracted lines are the lines of the file, so that an editor's text can replace them. */
export function isPlainText(path: string): boolean {
  return extractorFor(path) === TEXT;
}

/**
 * Returns the maximum size in bytes of a file that is read.
 * @param maxFileBytes limit of the setting, for text
 */
export function maxBytesOf(path: string, maxFileBytes: number): number {
  return Math.max(maxFileBytes, extractorFor(path).maxBytes ?? 0);
}
