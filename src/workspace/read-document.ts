import type { Document, SegmentedDocument } from './types';
import type { DocumentId } from './lexical/types';

/** A document as the retriever needs it to cut spans: the text that was indexed, and how it was cut. */
export interface ReadDocument {
  document: Document;
  segmented: SegmentedDocument;
}

/**
 * Source of the documents that lead the ranking (a few dozen for each question). `read` gives what was
 * indexed under `docId`, or undefined when it is gone: then it is left out of the results.
 */
export interface DocumentReader {
  read(docId: DocumentId): ReadDocument | undefined | Promise<ReadDocument | undefined>;
}
