import type { Document, DocumentSymbol, SegmentedDocument } from '../library/types';
import type { Coverage, RankedSpan, Scope, Span } from '../protocol';

/** A definition of a name, and where it stands. */
export interface Definition {
  file: string;
  path: string;
  language: string;
  symbol: DocumentSymbol;
}

/** A line that uses a name without defining it. */
export interface Use {
  span: Span;
  /** The definition or heading the line lies in. */
  label: string;
}

/** What the assistant needs of the library; the worker and the terminal pass the real one. */
export interface AssistantLibrary {
  /** Best first. Answers from what is indexed so far; `coverage` says how much that is. */
  search(question: string, options: { scope: Scope; limit: number; signal?: AbortSignal }): Promise<{ spans: readonly RankedSpan[]; coverage: Coverage }>;
  /** The file as it is now, unsaved edits included. @throws when it cannot be read. */
  read(file: string): Promise<Document>;
  segmentsOf(document: Document): Promise<SegmentedDocument>;
  definitions(name: string): Promise<readonly Definition[]>;
  users(name: string, options: { limit: number; signal?: AbortSignal }): Promise<{ users: readonly Use[]; more: number }>;
}
