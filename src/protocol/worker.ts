/**
 * Messages between the worker and its clients (extension host, terminal). Types and names only, so that the webviews
 * may import the result types. Lines are 1-based and inclusive.
 */

export const PROTOCOL_VERSION = 1;

// ── Places ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Whole lines of a file. */
export interface Span {
  /** Absolute path. */
  file: string;
  /** Relative to the workspace folder, forward slashes; with several folders prefixed by the folder's name. */
  path: string;
  startLine: number;
  endLine: number;
}

/** What a question is asked about. */
export type Scope =
  | { kind: 'workspace' }
  | { kind: 'folder'; path: string }
  | { kind: 'file'; file: string }
  | { kind: 'selection'; file: string; startLine: number; endLine: number };

/** One reason a span was found, as shown to the user: "defines RetryPolicy", "file name", "body: retry, backoff". */
export interface RankReason {
  kind:
    | 'definition'
    | 'fileName'
    | 'folder'
    | 'symbol'
    | 'body'
    | 'coherence'
    | 'vector'
    | 'late'
    | 'attention'
    | 'penalty';
  text: string;
  /** Contribution to the score; negative for a penalty. */
  weight: number;
}

export interface RankedSpan extends Span {
  score: number;
  /** Names of the enclosing definitions or headings, outermost first. */
  breadcrumb: readonly string[];
  reasons: readonly RankReason[];
  /** The span's text as it was indexed. */
  text: string;
  language: string;
}

// ── Answers ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Who wrote a text: quoted from the sources, the bundled model, or a checkpoint the user chose. */
export type Author = { kind: 'extractive' } | { kind: 'bundled' | 'chosen'; model: string };

/** A span that a sentence rests on, verified to exist with the text it had when it was read. */
export interface Citation extends Span {
  /** 1, 2, 3 … as printed in the answer. */
  number: number;
  /** Quoted text of the span when it was read. */
  text: string;
  /** sha256 (hex) of `text`: a client can see whether the lines have changed since. */
  hash: string;
  /** The symbol or heading it lies in, for the label. */
  label: string;
}

/** Share of the workspace that the answer could draw on. */
export interface Coverage {
  filesIndexed: number;
  filesKnown: number;
  /** True while the first pass over the workspace is still running. */
  indexing: boolean;
  /** Set where the user has paused or cancelled indexing before all was read. */
  held?: Held;
  /** Share (0…1) of segments whose memories are in the store; absent without a model. */
  memories?: number;
}

export interface Answer {
  id: string;
  question: string;
  scope: Scope;
  /** Markdown; citations stand in it as [1], [2] … */
  markdown: string;
  citations: readonly Citation[];
  spans: readonly RankedSpan[];
  author: Author;
  coverage: Coverage;
  ledger: ContextLedger;
  timing: AnswerTiming;
  /** What the reader must know: "stopped", "3 spans left out for room" … */
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
  | { type: 'phase'; phase: 'retrieving' | 'reading' | 'writing' }
  | { type: 'spans'; spans: readonly RankedSpan[]; coverage: Coverage }
  | { type: 'ledger'; ledger: ContextLedger }
  | { type: 'delta'; markdown: string }
  | { type: 'citation'; citation: Citation };

// ── What the context holds ────────────────────────────────────────────────────────────────────────────────────────

export type LedgerKind = 'sinks' | 'coarse' | 'fine' | 'dense' | 'anchors' | 'full' | 'window' | 'question' | 'answer';

/**
 * Where rows came from: made for this question, read from the store on disk, or kept in the process since an earlier
 * question.
 */
export type LedgerOrigin = 'computed' | 'store' | 'memory';

/** One group of rows of the context. Tokens are counted once over all groups. */
export interface LedgerGroup {
  kind: LedgerKind;
  rows: number;
  /** Tokens these rows stand for. */
  tokens: number;
  bytes: number;
  span?: Span;
  origin?: LedgerOrigin;
}

export interface ContextLedger {
  groups: readonly LedgerGroup[];
  /** Rows the context may hold; what is not used is free room. */
  capacityRows: number;
  /** Bytes of one row over all layers. */
  bytesPerRow: number;
  cache?: { hits: number; misses: number; evictions: number };
  /**
   * Spans selected for the context but left out, because they did not fit or the file changed.
   */
  left?: readonly Span[];
  /** What `rows` and `tokens` count when no model is in use: characters quoted, said plainly in the panel. */
  note?: string;
}

// ── Summaries, explanations, hovers ───────────────────────────────────────────────────────────────────────────────

/** One part of a file: a definition, a section, or a run of lines where there are neither. */
export interface SummaryPart {
  title: string;
  kind: string;
  startLine: number;
  endLine: number;
  /** One line saying what the part is; `author` says who wrote it. */
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

/** What a hover shows at once, without any model. */
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

// ── Index ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** `cancelled`: the user ended a pass; what was indexed is kept and kept up to date. */
export type IndexState = 'idle' | 'walking' | 'indexing' | 'ready' | 'paused' | 'cancelled' | 'failed';

/**
 * What the user has decided about the work that goes on by itself, indexing and encoding: hold it, or end it until it
 * is resumed.
 */
export type Held = 'paused' | 'cancelled';

export interface IndexStatus {
  state: IndexState;
  /** Why it is in this state, in words; shown in the tooltip. */
  reason: string;
  filesKnown: number;
  filesIndexed: number;
  bytesIndexed: number;
  segments: number;
  storeBytes: number;
  /** Share done, 0…1, never going backward within one pass. */
  progress: number;
  /** Files that could not be read, with the reason; at most 100. */
  problems: readonly { path: string; reason: string }[];
  skipped: readonly { reason: string; files: number }[];
  /** Bytes of memory of the worker. */
  memoryBytes: number;
  /** Set while the user holds the work, also when there is none. */
  held?: Held;
  model: ModelStatus;
  /** Memories of segments (present once a model encodes the workspace). */
  memories?: {
    encoded: number;
    segments: number;
    /** Set while `segments` is what the index says, which is about right; without it the number is exact. */
    counting?: true;
    bytes: number;
    budgetBytes: number;
    paused: boolean;
    /** Set while some are missing and none are being made. */
    standstill?: Standstill;
  };
}

/** Why the memories that are missing are not being made, and in words. */
export interface Standstill {
  cause: 'paused' | 'budgetFull' | 'modelFailed' | 'otherWindow' | 'storeUnwritable';
  reason: string;
}

export interface ModelStatus {
  state: 'none' | 'loading' | 'ready' | 'failed';
  name?: string;
  author: Author;
  detail: string;
}

export interface WhyFile {
  file: string;
  path: string;
  indexed: boolean;
  /** The rule that decided, with where it stands: "ignored by src/.gitignore line 3: *.log". */
  reason: string;
  rule?: { file: string; line: number; pattern: string };
}

// ── Set-up ────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface WorkerSettings {
  /** Glob patterns of `files.exclude` that are switched on. */
  filesExclude: readonly string[];
  /** Files larger than this (bytes) are left out. */
  maxFileBytes: number;
  /** Answers in prose come from this checkpoint folder; empty for none. */
  modelDirectory: string;
  /** Bytes of segment memories kept on disk. */
  memoryBudgetBytes: number;
  /** Threads of the engine; 0 for the number of physical cores. */
  threads: number;
  /** Weights of a chosen checkpoint. */
  weights: 'auto' | 'f32' | '8bit' | '4bit';
}

export interface FolderParams {
  name: string;
  /** Absolute path. */
  directory: string;
  /**
   * `files.exclude` of this folder where its own settings differ from the workspace's; takes the place of
   * `WorkerSettings.filesExclude`.
   */
  filesExclude?: readonly string[];
}

export interface InitializeParams {
  protocolVersion: number;
  folders: readonly FolderParams[];
  /** Directory for what is kept of this workspace. */
  storageDirectory: string;
  /** Directory for models and compiled graphs, shared by workspaces. */
  modelsDirectory: string;
  settings: WorkerSettings;
  /** False in Restricted Mode: nothing is indexed until the user asks. */
  trusted: boolean;
  /** What the user had decided before the worker (re)started. */
  held?: Held;
}

// ── Requests: client → worker ─────────────────────────────────────────────────────────────────────────────────────

/** Method → [parameters, result]. Every request can be cancelled. */
export interface Requests {
  initialize: [InitializeParams, { protocolVersion: number; pid: number }];
  shutdown: [null, null];
  ask: [
    { id: string; question: string; scope: Scope; previous?: readonly { question: string; answer: string }[] },
    Answer,
  ];
  search: [{ question: string; scope: Scope; limit: number }, { spans: readonly RankedSpan[]; coverage: Coverage }];
  summarize: [{ id: string; file: string }, Summary];
  explain: [
    {
      id: string;
      file: string;
      startLine: number;
      endLine: number;
      /** Make it anew although one is cached. */ fresh?: boolean;
    },
    Explanation,
  ];
  hover: [
    { file: string; line: number; /** 0-based UTF-16 offset in the line. */ character: number },
    HoverInfo | null,
  ];
  'index/status': [null, IndexStatus];
  'index/start': [null, null];
  'index/rebuild': [null, null];
  'index/clear': [null, { bytesFreed: number }];
  /** Holds indexing and encoding, or lets them go on; a pass that was cancelled is taken up again. */
  'index/pause': [{ paused: boolean }, null];
  /** Ends the pass under way and encoding; what is indexed is kept. The status says what that is. */
  'index/cancel': [null, IndexStatus];
  'index/why': [{ file: string }, WhyFile];
  /** Whether a citation's lines still hold the text that was read, and where that text is now. */
  'citation/locate': [{ citation: Citation }, { state: 'same' | 'moved' | 'changed' | 'missing'; span: Span }];
}

/** Sent by the client without an answer. */
export interface ClientNotifications {
  /** File events, saves, branch switches: what changed on disk. */
  'files/changed': { changes: readonly { file: string; type: 'created' | 'changed' | 'deleted' }[] };
  /** The text of an editor with unsaved edits; null when it is saved or closed. */
  'files/unsaved': { file: string; text: string | null };
  'folders/changed': { folders: readonly FolderParams[] };
  'settings/changed': { settings: WorkerSettings };
  /** Files open in editors, most recently used first: read before the rest. */
  'files/open': { files: readonly string[] };
}

/** Sent by the worker without being asked. */
export interface WorkerNotifications {
  'answer/event': { id: string; event: AnswerEvent };
  /** Progress of a summary or an explanation, 0…1, monotone. */
  'work/progress': { id: string; fraction: number; message: string };
  'index/status': IndexStatus;
  log: { level: 'debug' | 'info' | 'warn' | 'error'; message: string };
  /** Every two seconds; a client that misses several restarts the worker. */
  heartbeat: { at: number };
}

/** Errors a client can act on; `data.code` of the JSON-RPC error. */
export type ErrorCode =
  | 'notInitialized'
  | 'cancelled'
  | 'fileNotFound'
  | 'fileUnreadable'
  | 'notIndexed'
  | 'storeLocked'
  | 'diskFull'
  | 'storeUnwritable'
  | 'modelFailed'
  | 'contextFull'
  | 'internal';

export interface ErrorData {
  code: ErrorCode;
  /** What the user can do about it. */
  hint?: string;
}
