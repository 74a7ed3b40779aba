/** Messages between the worker and the engine's process. Text goes in and out; tokens, rows and tensors stay there. */
import type { ChatMessage, Written } from '../assistant/write/writer';
import type { WorkerSettings } from './index';
import type { ComposeReading, MemoryDescription, MemoryRequests } from './memory';

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
