/** Messages between the worker and the engine's process. Text goes in and out; tokens, rows and tensors stay there. */
import type { ComposeReading, MemoryDescription, MemoryRequests } from './memory';
import type { Author, WorkerSettings } from './worker';

export interface LoadParams {
  directory: string;
  /** Compiled weights are kept here. */
  compiledDirectory: string;
  weights: WorkerSettings['weights'];
  /** 0: as many as there are physical cores. */
  threads: number;
  /** The folder's files must be those that its SHA256SUMS lists. */
  checked?: boolean;
}

export interface LoadedModel {
  name: string;
  /** Rows the context can hold. */
  contextTokens: number;
  bytesPerRow: number;
  /** Tokens that a row stands for in a text held as anchors; absent where texts cannot be held so. */
  anchorTokens?: number;
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
      anchors?: readonly string[];
    },
    Written,
  ];
}

export interface EngineNotifications {
  /** More text of the answer `id`. */
  'write/text': { id: number; text: string };
  /** The context `id` has been read; its text follows. */
  'compose/read': { id: number; reading: ComposeReading };
  /** After each request: what the process holds. */
  memory: { residentBytes: number };
  log: { level: 'debug' | 'info' | 'warn' | 'error'; message: string };
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
  /** Milliseconds: reading the prompt, writing, and from the start to the first token. */
  timing: { read: number; decode: number; firstToken: number };
  /** How the quotes came into the context; absent where the prompt was read as one text. */
  quotes?: QuoteReading;
}

/** How quoted texts were read: as part of the prompt, once by themselves for this question, or for an earlier one. */
export interface QuoteReading {
  origins: readonly ('read' | 'computed' | 'memory')[];
  /** Of each text that was to be held as anchors: the rows it has, none where there was no room. */
  anchors: readonly { rows: number; tokens: number; origin: 'computed' | 'memory' }[];
  cache: { hits: number; misses: number; evictions: number };
  /** Milliseconds: placing rows, and reading everything but the tail of the prompt. */
  splice: number;
  read: number;
}

export interface WriteOptions {
  maxNewTokens: number;
  signal?: AbortSignal;
  onText: (text: string) => void;
  /**
   * Texts that the last message quotes, in its order: their rows are kept, and are not read again when another question
   * quotes them.
   */
  quotes?: readonly string[];
  /** Texts that it does not quote for want of room: a row stands for every few of their tokens (`anchorTokens`). */
  anchors?: readonly string[];
}

/** A model that writes prose; the worker implements it over the engine's process. */
export interface Writer {
  readonly author: Author;
  /** Rows (tokens) the context can hold, answer included. */
  readonly contextTokens: number;
  /** Bytes of one row over all layers. */
  readonly bytesPerRow: number;
  /** Tokens that a row stands for in a text held as anchors; absent where texts cannot be held so. */
  readonly anchorTokens?: number;
  /** Tokens of each chat exactly as `write` would read it, template included. */
  countChats(chats: readonly (readonly ChatMessage[])[], signal?: AbortSignal): Promise<readonly number[]>;
  /** @throws when the engine fails or dies; the caller falls back to an extractive answer. */
  write(chat: readonly ChatMessage[], options: WriteOptions): Promise<Written>;
}
