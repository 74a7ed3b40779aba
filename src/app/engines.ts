/**
 * The two models at work, each in a process of its own: the one with memory slots encodes and ranks the workspace; the
 * one the user chose writes answers in prose. Neither displaces the other.
 */
import type { ModelStatus, Writer } from '../protocol';
import { totalmem } from 'node:os';
import { EngineProcess, type EngineOptions, type ModelChoice } from '../inference';
import type { WorkClass } from '../base';

export interface ModelChoices {
  memory?: ModelChoice;
  chat?: ModelChoice;
}

/** The small model's process with everything it keeps for the next question; measured at 300 to 500 MB. */
const MEMORY_LIMIT_BYTES = 750e6;
/** A chosen checkpoint may be large, but not so that the machine swaps. */
const CHAT_SHARE = 0.5;
/** Encoding waits so long (ms) for an answer that is being written; longer ones it goes on beside. */
const ENCODING_PATIENCE = 20_000;

export class Engines {
  readonly memory: EngineProcess;
  readonly chat: EngineProcess;

  constructor(options: Omit<EngineOptions, 'memoryLimitBytes'>) {
    this.memory = new EngineProcess({ ...options, memoryLimitBytes: MEMORY_LIMIT_BYTES });
    this.chat = new EngineProcess({ ...options, memoryLimitBytes: totalmem() * CHAT_SHARE });
  }

  /** Takes other models. Resolves once they are loaded or have failed; `status` says which. */
  async choose({ memory, chat }: ModelChoices): Promise<void> {
    await Promise.all([this.memory.choose(memory), this.chat.choose(chat)]);
  }

  /** What writes prose: the chosen model, while it is loaded. */
  writer(kind: WorkClass = 'answer'): Writer | undefined {
    return this.chat.writer(kind);
  }

  /** Waits for loads in progress. */
  async settled(signal?: AbortSignal): Promise<void> {
    await Promise.all([this.memory.settled(signal), this.chat.settled(signal)]);
  }

  /** Encoding gives way to an answer in prose: both would want all cores. */
  quiet(): Promise<void> {
    return this.chat.quiet(ENCODING_PATIENCE);
  }

  /** Of the model that writes answers, where there is one; what the other does is said behind it. */
  get status(): ModelStatus {
    const {
      memory: { status: memory },
      chat: { status: chat },
    } = this;
    if (chat.state === 'none') return memory;
    return memory.state === 'none'
      ? chat
      : { ...chat, detail: `${chat.detail} Memories: ${memory.name ?? memory.state}. ${memory.detail}` };
  }

  close(): void {
    this.memory.close();
    this.chat.close();
  }
}
