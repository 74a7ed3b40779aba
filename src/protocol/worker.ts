/** Messages between the worker and its clients: the extension host, and tests. */
import type {
  Answer,
  AnswerEvent,
  Citation,
  Coverage,
  Explanation,
  HoverInfo,
  LineHistory,
  Place,
  RankedSpan,
  Scope,
  Span,
  Summary,
} from './answers';
import type { Held, IndexStatus, WhyFile } from './index-status';
import type { ChatMessage, ExtendedWindow, Written } from './inference';

export const PROTOCOL_VERSION = 1;

// ── Set-up ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface WorkerSettings {
  /** Glob patterns of `files.exclude` that are switched on. */
  filesExclude: readonly string[];
  /** Files larger than this (bytes) are left out. */
  maxFileBytes: number;
  /** Indexes files that usually hold secrets; off by default. */
  secrets?: boolean;
  /** Follows links that leave the workspace folders; off by default. */
  followLinks?: boolean;
  /** File or folder of the checkpoint that writes answers in prose; empty for none. */
  modelDirectory: string;
  /** Server that writes answers in prose instead, `http://127.0.0.1:11434/v1#model`; empty for none. */
  modelServer: string;
  /** Hosts beside this machine to which text may be sent. */
  allowedHosts: readonly string[];
  /** Disk budget (bytes) of encoded segments. */
  memoryBudgetBytes: number;
  /** The memory that a team shares; absent for none. */
  shared?: SharedMemorySettings;
  /** Threads of the engine; 0 for the number of physical cores. */
  threads: number;
  /** Precision of a chosen checkpoint's weights in memory. */
  weights: 'auto' | 'f32' | '8bit' | '4bit';
}

export interface SharedMemorySettings {
  /** `s3://bucket/prefix?endpoint=…` or `file:///directory`. */
  address: string;
  /** Keys from the editor's secret storage. They precede those of the environment and the usual files. */
  keys?: TeamKeys;
}

export interface TeamKeys {
  /** Names records, 32 bytes in base64url. */
  secret?: string;
  /** Signs what is written, 32 bytes in base64url. */
  signingKey?: string;
  s3?: { accessKeyId: string; secretAccessKey: string };
}

export interface FolderParams {
  name: string;
  /** Absolute path. */
  directory: string;
  /**
   * `files.exclude` of this folder when its settings differ from the workspace's; replaces
   * `WorkerSettings.filesExclude`.
   */
  filesExclude?: readonly string[];
  /** `files.encoding` of this folder where it is not UTF-8: `windows1252`. */
  encoding?: string;
}

export interface InitializeParams {
  protocolVersion: number;
  folders: readonly FolderParams[];
  /** Directory of the index and everything else stored about this workspace. */
  storageDirectory: string;
  /** Directory for models and compiled graphs, shared by workspaces. */
  modelsDirectory: string;
  settings: WorkerSettings;
  /** False in Restricted Mode: nothing is indexed until the user asks. */
  trusted: boolean;
  /** Translations of the worker's texts into the display language, by the English text. Absent for English. */
  strings?: Readonly<Record<string, string>>;
  /** The user's choice before the worker (re)started. */
  held?: Held;
  /**
   * The client serves agents. Its worker reads an index that another process writes, and begins no pass by itself. It
   * loads models only where one is chosen or rows are stored: encoding a workspace takes minutes, and is the user's
   * choice.
   */
  agent?: true;
}

// ── Requests: client → worker ────────────────────────────────────────────────────────────────────────────────────────

/** Method → [parameters, result]. Every request can be cancelled. */
export interface Requests {
  initialize: [InitializeParams, { protocolVersion: number; pid: number }];
  shutdown: [null, null];
  /** The editor's worker wants to take over. Whether this worker, which no editor owns, ends for it. */
  'hand-over': [null, { ends: boolean }];
  ask: [
    {
      id: string;
      question: string;
      scope: Scope;
      previous?: readonly { question: string; answer: string }[];
      /** When the user asked (milliseconds since 1970). Times are counted from then. */
      asked?: number;
      /** The client's own model writes the prose (`writer/write`). */
      writer?: ClientModel;
    },
    Answer,
  ];
  /** Reads what a question that is being typed would read. Shows nothing. */
  prepare: [Requests['ask'][0], null];
  /** Lets the chosen model answer a chat, without evidence of the workspace. Its text streams as `chat/text`. */
  'chat/write': [ChatRequest, Pick<Written, 'text' | 'stopped'>];
  search: [{ question: string; scope: Scope; limit: number }, { spans: readonly RankedSpan[]; coverage: Coverage }];
  summarize: [{ id: string; file: string }, Summary];
  explain: [
    {
      id: string;
      file: string;
      startLine: number;
      endLine: number;
      /** Explain again, even if an explanation is cached. */
      fresh?: boolean;
    },
    Explanation,
  ];
  hover: [
    { file: string; line: number; /** 0-based UTF-16 offset in the line. */ character: number },
    HoverInfo | null,
  ];
  /** Spans that resemble lines of a file. */
  related: [
    { file: string; startLine: number; endLine: number; limit: number },
    { spans: readonly RankedSpan[]; coverage: Coverage },
  ];
  'history/lines': [Span, LineHistory];
  /** Message and changes of a commit, as git shows them, for one file. */
  'history/commit': [{ file: string; hash: string }, { text: string }];
  /** Searches rotary factors for the chosen model on the workspace's text. They are stored with the model. */
  'model/extendWindow': [{ id: string; factor: number }, ExtendedWindow];
  'index/status': [null, IndexStatus];
  'index/start': [null, null];
  'index/rebuild': [null, null];
  'index/clear': [null, { bytesFreed: number }];
  /** Pauses or resumes indexing and encoding. Resuming takes a cancelled pass up again. */
  'index/pause': [{ paused: boolean }, null];
  /** Ends the current pass and encoding. The status tells how much is indexed; it is kept. */
  'index/cancel': [null, IndexStatus];
  'index/why': [{ file: string }, WhyFile];
  /** The same for several files, in their order. */
  'index/why-each': [{ files: readonly string[] }, readonly WhyFile[]];
  'index/coverage': [null, Coverage];
  /**
   * Takes up the changes on disk, for clients without file events. Resolves at once, or with `wait` when they are
   * searchable or the time for it is over.
   */
  'index/refresh': [{ wait: boolean }, null];
  /** Indexed documents, most recently changed first; with `name` those whose file has it. */
  'index/documents': [{ name?: string; limit: number }, readonly { file: string; path: string }[]];
  /** The likeliest definition of `name`, `Owner.name` or `Owner::name`. */
  'index/definition': [{ name: string }, { file: string; startLine: number } | null];
  /** The text of a document as it is indexed and quoted, and the lines of each of its places. */
  'document/text': [
    { file: string },
    { text: string; language: string; places: readonly (Place & { startLine: number; endLine: number })[] },
  ];
  /** Whole lines of a file, or of the text of a document, as a search finds them; at most `limit`. */
  'document/lines': [
    { file: string; startLine: number; endLine: number; limit: number },
    Span & { text: string; language: string; lines: number },
  ];
  /** Whether a citation's lines still have the text that was read, and where that text is now. */
  'citation/locate': [{ citation: Citation }, { state: 'same' | 'moved' | 'changed' | 'missing'; span: Span }];
}

export interface ChatRequest {
  id: string;
  chat: readonly ChatMessage[];
  maxNewTokens: number;
}

/** A model of the client, such as the one that the user chose in the editor's chat. */
export interface ClientModel {
  name: string;
  contextTokens: number;
  /** Where text goes that it reads; absent when it stays on this machine. */
  sentTo?: string;
}

/** Requests of the worker to its client. */
export interface ClientRequests {
  /** Lets the client's model write for the question `id`. Its text streams as `writer/text`. */
  'writer/write': [ChatRequest, { text: string }];
}

/** Sent by the client without an answer. */
export interface ClientNotifications {
  /** Files that changed on disk: file events, saves, branch switches. */
  'files/changed': { changes: readonly { file: string; type: 'created' | 'changed' | 'deleted' }[] };
  /**
   * The text of an editor with unsaved edits; null when it is saved or closed. An untitled document has its URI as
   * file, and its language.
   */
  'files/unsaved': { file: string; text: string | null; language?: string };
  'folders/changed': { folders: readonly FolderParams[] };
  'settings/changed': { settings: WorkerSettings };
  /** More text of the client's model for the question `id`. */
  'writer/text': { id: string; text: string };
  /** Files open in editors, most recently used first. They are indexed before the rest. */
  'files/open': { files: readonly string[] };
}

/** Sent by the worker on its own. */
export interface WorkerNotifications {
  'answer/event': { id: string; event: AnswerEvent };
  /** More text of the chat `id`. */
  'chat/text': { id: string; text: string };
  /** Progress of a summary, an explanation or a search of rotary factors, 0…1, monotone. */
  'work/progress': { id: string; fraction: number; message: string };
  'index/status': IndexStatus;
  log: { level: 'debug' | 'info' | 'warn' | 'error'; message: string };
  /** Sent every two seconds, by the event loop. A client that hears neither it nor the pulse restarts the worker. */
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
  /** A step that the user can take. */
  hint?: string;
}
