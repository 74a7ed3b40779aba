/** Answers, summaries, explanations and hovers, as clients show them. Lines are 1-based and inclusive. */

import type { Author } from './author';
import type { Held } from './index-status';

/** Whole lines of a file. */
export interface Span {
  /** Absolute path. */
  file: string;
  /** Relative to the workspace folder, forward slashes; with several folders prefixed by the folder's name. */
  path: string;
  startLine: number;
  endLine: number;
  /** Set for documents whose text is extracted: lines are those of the text. */
  place?: Place;
}

/** Part of a PDF, book, Word document or notebook. */
export interface Place {
  kind: 'cell' | 'page' | 'section';
  /** From 1. */
  number: number;
}

/** The part of the workspace that a question is about. */
export type Scope =
  | { kind: 'workspace' }
  | { kind: 'folder'; path: string }
  | { kind: 'file'; file: string }
  /** Several files and folders, by their workspace paths. */
  | { kind: 'paths'; paths: readonly string[] }
  | { kind: 'selection'; file: string; startLine: number; endLine: number };

/** One reason a span was found, as shown to the user: "defines RetryPolicy", "file name", "body: retry, backoff". */
export interface RankReason {
  kind: 'definition' | 'fileName' | 'folder' | 'symbol' | 'body' | 'coherence' | 'vector' | 'late' | 'penalty';
  text: string;
  /** Contribution to the score; negative for a penalty. */
  weight: number;
}

export interface RankedSpan extends Span {
  score: number;
  /** Cosine of the span's nearest passage with the question, by the sentence encoder. Absent without one. */
  similarity?: number;
  /** Cosine of each unit of a passage of prose (sentence, item, row) with the question, for the best passages. */
  units?: readonly number[];
  /** Names of the enclosing definitions or headings, outermost first. */
  breadcrumb: readonly string[];
  reasons: readonly RankReason[];
  /** The span's text as it was indexed. */
  text: string;
  language: string;
  /** Set for a span of prose. */
  kind?: 'prose';
}

// ── Answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A span that supports a sentence. It is verified to have had this text when it was read. */
export interface Citation extends Span {
  /** 1, 2, 3 … as printed in the answer. */
  number: number;
  /** Quoted text of the span when it was read. */
  text: string;
  /** sha256 (hex) of `text`, with which a client notices later changes of the lines. */
  hash: string;
  /** The symbol or heading around it, as its label. */
  label: string;
  /** Hash of the commit whose message is quoted. `file` then is a file of its repository; lines are the message's. */
  commit?: string;
}

/** The share of the workspace that an answer could use. */
export interface Coverage {
  filesIndexed: number;
  filesKnown: number;
  /** True while the first pass over the workspace is still running. */
  indexing: boolean;
  /** Set when the user paused or cancelled indexing before its end. */
  held?: Held;
  /** Share (0…1) of segments that are encoded; absent without a model. */
  memories?: number;
}

export interface Answer {
  id: string;
  question: string;
  scope: Scope;
  /** Markdown with citations as [1], [2] …: prose if a model wrote some, then quotes. */
  markdown: string;
  /** The part that a model wrote, verified sentence by sentence. */
  prose?: string;
  citations: readonly Citation[];
  spans: readonly RankedSpan[];
  author: Author;
  coverage: Coverage;
  ledger: ContextLedger;
  timing: AnswerTiming;
  /** Remarks for the reader: "Stopped.", "3 spans were compressed to fit." */
  notices: readonly string[];
}

/** Milliseconds. */
export interface AnswerTiming {
  retrieve: number;
  splice: number;
  read: number;
  decode: number;
  firstToken: number;
  total: number;
}

/** Streamed while a question is being answered. */
export type AnswerEvent =
  | { type: 'phase'; phase: 'retrieving' | 'loading' | 'reading' | 'writing' }
  | { type: 'spans'; spans: readonly RankedSpan[]; coverage: Coverage }
  | { type: 'ledger'; ledger: ContextLedger }
  /** Tokens that the model has read of those that it must read. */
  | { type: 'reading'; read: number; total: number }
  /** More of the quotes. */
  | { type: 'delta'; markdown: string }
  /** More of the prose, which stands above the quotes. */
  | { type: 'prose'; markdown: string }
  | { type: 'citation'; citation: Citation };

// ── What the context holds ───────────────────────────────────────────────────────────────────────────────────────────

export type LedgerKind =
  'sinks' | 'coarse' | 'fine' | 'dense' | 'anchors' | 'full' | 'earlier' | 'window' | 'question' | 'answer';

/**
 * Origin of rows: computed for this question, read from the store on disk (made here, or by another machine of the
 * team), or cached since an earlier question.
 */
export type LedgerOrigin = 'computed' | 'store' | 'team' | 'memory';

/** One group of rows of the context. Tokens are counted once over all groups. */
export interface LedgerGroup {
  kind: LedgerKind;
  rows: number;
  /** Tokens that these rows represent. */
  tokens: number;
  bytes: number;
  span?: Span;
  origin?: LedgerOrigin;
}

export interface ContextLedger {
  groups: readonly LedgerGroup[];
  /** Most rows of the context. */
  capacityRows: number;
  /** Bytes of one row over all layers. */
  bytesPerRow: number;
  cache?: { hits: number; misses: number; evictions: number };
  /** Spans selected for the context but left out, because they did not fit or the file changed. */
  left?: readonly Span[];
  /** Explains the unit of `rows` and `tokens` when no model is in use: quoted characters. */
  note?: string;
}

// ── Summaries, explanations, hovers ──────────────────────────────────────────────────────────────────────────────────

/** One part of a file: a definition, a section, or a run of lines where there are neither. */
export interface SummaryPart {
  title: string;
  kind: string;
  startLine: number;
  endLine: number;
  /** One line that describes the part, written by `author`. */
  line: string;
  author: Author;
  children: readonly SummaryPart[];
}

export interface Summary {
  file: string;
  path: string;
  language: string;
  lines: number;
  /** One short paragraph over the whole file. */
  overview: string;
  parts: readonly SummaryPart[];
  author: Author;
  notices: readonly string[];
}

export interface Explanation {
  file: string;
  path: string;
  startLine: number;
  endLine: number;
  title: string;
  markdown: string;
  citations: readonly Citation[];
  author: Author;
  /** True when it came from the cache. */
  cached: boolean;
}

/** The content of a hover. It needs no model. */
export interface HoverInfo {
  name: string;
  kind: string;
  signature: string;
  doc?: string;
  language: string;
  definedAt: Span;
  /** Other definitions of the same name. */
  others: readonly Span[];
  usedBy: readonly { span: Span; label: string }[];
  /** Users beyond those listed. */
  moreUsers: number;
  /** A cached explanation of this definition, if there is one. */
  explanation?: string;
  explanationAuthor?: Author;
}

// ── History ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The commits that made lines of a file what they are, newest first. */
export interface LineHistory extends Span {
  commits: readonly Commit[];
  /** True when all of the lines are newer than the last commit. */
  uncommitted: boolean;
  /** True when there are older commits. */
  more: boolean;
}

export interface Commit {
  hash: string;
  author: string;
  /** ISO 8601. */
  date: string;
  subject: string;
  body: string;
}
