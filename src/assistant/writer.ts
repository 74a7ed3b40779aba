import type { Author } from '../protocol';

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
}

/** A model that writes prose; the worker implements it over the engine's process. */
export interface Writer {
  readonly author: Author;
  /** Rows (tokens) the context can hold, answer included. */
  readonly contextTokens: number;
  /** Bytes of one row over all layers. */
  readonly bytesPerRow: number;
  /** Tokens of each chat exactly as `write` would read it, template included. */
  countChats(chats: readonly (readonly ChatMessage[])[], signal?: AbortSignal): Promise<readonly number[]>;
  /** @throws when the engine fails or dies; the caller falls back to an extractive answer. */
  write(chat: readonly ChatMessage[], options: { maxNewTokens: number; signal?: AbortSignal; onText: (text: string) => void }): Promise<Written>;
}
