/**
 * The models in use, each in a process of its own. The model with memory slots encodes and ranks the workspace; the
 * chosen one writes answers in prose. Both can be loaded at once. A server's model may write instead of the chosen one.
 */
import type { ModelStatus, Writer } from '../protocol';
import { totalmem } from 'node:os';
import { EngineProcess, ServerModel, type EngineOptions, type ModelChoice, type ServerSettings } from '../inference';
import type { WorkClass } from '../base';

export interface ModelChoices {
  memory?: ModelChoice;
  chat?: ModelChoice;
  server?: ServerSettings;
}

/** Memory limit of the small model's process, which was measured at 300 to 500 MB with its caches. */
const MEMORY_LIMIT_BYTES = 750e6;
/** Most memory of a chosen checkpoint, as a share of the machine's, so that it does not swap. */
const CHAT_SHARE = 0.5;
/** Maximum time (ms) that encoding waits for an answer. After that, both run. */
const ENCODING_PATIENCE = 20_000;

export class Engines {
  readonly memory: EngineProcess;
  readonly chat: EngineProcess;
  readonly server: ServerModel;

  constructor(options: Omit<EngineOptions, 'memoryLimitBytes'>) {
    this.memory = new EngineProcess({ ...options, memoryLimitBytes: MEMORY_LIMIT_BYTES });
    this.chat = new EngineProcess({ ...options, memoryLimitBytes: totalmem() * CHAT_SHARE });
    this.server = new ServerModel(options.changed);
  }

  /** Switches models. Resolves once they are loaded or have failed; `status` says which. */
  async choose({ memory, chat, server }: ModelChoices): Promise<void> {
    await Promise.all([this.memory.choose(memory), this.chat.choose(chat), this.server.choose(server)]);
  }

  /** Whether a model that writes is chosen, loaded or not. */
  get writes(): boolean {
    return this.server.status.state !== 'none' || this.chat.status.state !== 'none';
  }

  /** The writer of prose: the server's model while it is connected, or the chosen model while it is loaded. */
  writer(kind: WorkClass = 'answer'): Writer | undefined {
    return this.server.writer() ?? this.chat.writer(kind);
  }

  /** Waits for loads in progress. */
  async settled(signal?: AbortSignal): Promise<void> {
    await Promise.all([this.memory.settled(signal), this.chat.settled(signal), this.server.settled()]);
  }

  /** Resolves when no answer is being written. Encoding waits for it, because both use all cores. */
  quiet(): Promise<void> {
    return this.chat.quiet(ENCODING_PATIENCE);
  }

  /** The status of the model that writes answers, if any; its detail also describes the other model. */
  get status(): ModelStatus {
    const {
      memory: { status: memory },
    } = this;
    const { status: chat } = this.server.status.state === 'none' ? this.chat : this.server;
    if (chat.state === 'none') return memory;
    return memory.state === 'none'
      ? chat
      : { ...chat, detail: `${chat.detail} Encoding: ${memory.name ?? memory.state}. ${memory.detail}` };
  }

  /** Forgets the rows of all texts that the chosen model has read. */
  async forgetRows(): Promise<void> {
    if (this.chat.model) await this.chat.request('forgetRows', null).catch(() => {});
  }

  close(): void {
    this.memory.close();
    this.chat.close();
  }
}
