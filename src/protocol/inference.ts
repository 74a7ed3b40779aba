/** Messages between the worker and the inference process. Only text and stored rows travel; tensors stay there. */
import type { ComposeReading, MemoryDescription, MemoryRequests } from './memory';
import type { Author } from './author';
import type { WorkerSettings } from './worker';

export interface LoadParams {
  directory: string;
  /** The name that users see; default: the name of the folder or file. */
  name?: string;
  /** Folders of adapters to merge, besides those that lie with the checkpoint. */
  adapters?: readonly string[];
  /** Folder of compiled weights. */
  compiledDirectory: string;
  weights: WorkerSettings['weights'];
  /** Folder of the rows of texts that were read; absent keeps them in memory only. */
  rowsDirectory?: string;
  /** 0 for the number of physical cores. */
  threads: number;
  /** Folder of the compiled sentence encoder, which a model with memory slots uses to rank passages. */
  encoderDirectory?: string;
  /** Opens the checkpoint with the rotary frequencies that it was trained with, without factors stored beside it. */
  unextended?: boolean;
  /** True: loading fails unless the files match the folder's SHA256SUMS. */
  checked?: boolean;
}

export interface LoadedModel {
  name: string;
  /** Tokens of the window that the model was trained with. */
  trainedWindow: number;
  /** Most rows of a context. */
  contextTokens: number;
  /** Whether texts longer than that are read too, at constant memory. */
  anyLength?: boolean;
  bytesPerRow: number;
  /** Bytes of weights that a written token reads. */
  tokenBytes: number;
  parameters: number;
  /** "30 layers, 135 M parameters, 8-bit weights". */
  detail: string;
  /** Present when the checkpoint has memory slots. */
  memory?: MemoryDescription;
}

export interface EngineRequests extends MemoryRequests {
  load: [LoadParams, LoadedModel];
  countChats: [{ chats: readonly (readonly ChatMessage[])[] }, readonly number[]];
  write: [
    {
      id: number;
      chat: readonly ChatMessage[];
      maxNewTokens: number;
      quotes?: readonly string[];
    },
    Written,
  ];
  readiness: [{ chat: readonly ChatMessage[]; quotes: readonly string[] }, Readiness];
  readAhead: [{ chat: readonly ChatMessage[]; quotes: readonly string[] }, null];
  /** Searches rotary factors for `factor` times the trained window, and stores them with the model. */
  extendWindow: [{ id: number; factor: number; text: string }, ExtendedWindow];
  /** Forgets the rows of all texts that were read. */
  forgetRows: [null, null];
}

export interface EngineNotifications {
  /** Share of the weights that are compiled, 0 to 1, while a model is opened for the first time. */
  'load/progress': { share: number };
  /** More text of the answer `id`. */
  'write/text': { id: number; text: string };
  /** Tokens of the prompt `id` read so far, and all that must be read. */
  'write/read': { id: number; read: number; total: number };
  /** Trials of the search `id` that are done, and all of them. */
  'extend/progress': { id: number; done: number; total: number };
  /** The context `id` has been read; its text follows. */
  'compose/read': { id: number; reading: ComposeReading };
  /** Resident memory of the process, after each request. */
  memory: { residentBytes: number };
  log: { level: 'debug' | 'info' | 'warn' | 'error'; message: string };
}

export interface ExtendedWindow {
  /** Tokens that the model now reads at once. */
  window: number;
  /** False: Λ reads the text better without the factors that were found. */
  isUsed: boolean;
  /** The search that was done, and by how much it improved the window. */
  note: string;
}

// ── Chats ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface Written {
  text: string;
  /** Tokens read and tokens written. */
  promptTokens: number;
  newTokens: number;
  stopped: 'end' | 'length' | 'cancelled';
  /** The trained window (tokens), if the text was longer than that and was therefore read under Λ. */
  beyondWindow?: number;
  /** The rows in the cache after such a text: its beginning, earlier text that is looked back at, the window. */
  cached?: readonly CachedRows[];
  /** Milliseconds: reading the prompt, writing, and from the start to the first token. */
  timing: { read: number; decode: number; firstToken: number };
  /** Origin of the quotes' rows; absent when the prompt was read as one text. */
  quotes?: QuoteReading;
}

/** Rows of a kind, and the tokens that they represent. */
export interface CachedRows {
  kind: 'sinks' | 'anchors' | 'earlier' | 'window';
  rows: number;
  tokens: number;
}

/** How soon a model can write: quotes whose rows are kept need not be read. */
export interface Readiness {
  held: readonly boolean[];
  tokensPerSecond: number;
}

/** How quoted texts were read: within the prompt, alone for this question, or alone for an earlier one. */
export interface QuoteReading {
  origins: readonly ('read' | 'computed' | 'memory')[];
  cache: { hits: number; misses: number; evictions: number };
  /** Milliseconds spent on placing rows, and on reading everything but the tail of the prompt. */
  splice: number;
  read: number;
}

export interface WriteOptions {
  maxNewTokens: number;
  signal?: AbortSignal;
  onText: (text: string) => void;
  /** Tokens read so far, and all that must be read. */
  onRead?: (read: number, total: number) => void;
  /** Texts that the last message quotes, in its order. Their rows are kept for other questions that quote them. */
  quotes?: readonly string[];
}

/** A model that writes prose, implemented over the inference process. */
export interface Writer {
  readonly author: Author;
  /** Number of parameters; absent where it is not known. */
  readonly parameters?: number;
  /** Most rows (tokens) of the context, including the answer. */
  readonly contextTokens: number;
  /** Whether texts longer than that are read too, at constant memory. */
  readonly anyLength?: boolean;
  /** Bytes of one row over all layers. */
  readonly bytesPerRow: number;
  /** Number of tokens of each chat as `write` reads it, including the template. */
  countChats(chats: readonly (readonly ChatMessage[])[], signal?: AbortSignal): Promise<readonly number[]>;
  /** Absent where nothing is kept and reading is not the bottleneck. */
  readiness?(chat: readonly ChatMessage[], quotes: readonly string[], signal?: AbortSignal): Promise<Readiness>;
  /** Reads quotes before they are asked about. */
  readAhead?(chat: readonly ChatMessage[], quotes: readonly string[], signal?: AbortSignal): Promise<void>;
  /** @throws when the inference process fails; the caller falls back to an extractive answer. */
  write(chat: readonly ChatMessage[], options: WriteOptions): Promise<Written>;
}
