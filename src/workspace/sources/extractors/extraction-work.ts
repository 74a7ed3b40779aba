/** The work of an extraction thread: libraries that read PDF, EPUB and DOCX. */
import { extractDocx } from './docx';
import { extractEpub } from './epub';
import type { Extract } from './extractor';
import { extractPdf } from './pdf/pdf';

export const EXTRACT: Readonly<Record<string, Extract>> = {
  pdf: extractPdf,
  epub: extractEpub,
  docx: extractDocx,
};
