/** Documents that are not text: PDF, EPUB, DOCX. Their extractors run in a thread (extraction-work.ts). */
import type { Extractor } from './extractor';

/** Pictures make them large; their text is far smaller. */
const MAX_BYTES = 128 << 20;

const startsWith = (head: Uint8Array, text: string): boolean =>
  head.length >= text.length && [...text].every((character, i) => head[i] === character.charCodeAt(0));

export const PDF: Extractor = {
  id: 'pdf',
  accepts: (name, head) => name.endsWith('.pdf') || startsWith(head, '%PDF-'),
  maxBytes: MAX_BYTES,
  extract: 'thread',
};

export const EPUB: Extractor = {
  id: 'epub',
  accepts: (name) => name.endsWith('.epub'),
  maxBytes: MAX_BYTES,
  extract: 'thread',
};

export const DOCX: Extractor = {
  id: 'docx',
  accepts: (name) => /\.do[ct][xm]$/.test(name),
  maxBytes: MAX_BYTES,
  extract: 'thread',
};
