import type { Document, SegmentedDocument } from './types';
import type { DocumentId } from './lexical/types';

/** A document for cutting spans: the indexed text and its segments. */
export interface ReadDocument {
  document: Document;
  segmented: SegmentedDocument;
}

/**
 * Reads the leading documents of a ranking (a few dozen for each question). `read` returns the version indexed under
 * `docId`, or undefined when it is gone; the results then omit it.
 */
export interface DocumentReader {
  read(docId: DocumentId): ReadDocument | undefined | Promise<ReadDocument | undefined>;
}
