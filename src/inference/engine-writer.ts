import type { Author, ChatMessage, EngineRequests, LoadedModel, Writer, Written } from '../protocol';
import type { WorkClass } from '../base';

/** The requests of the inference process that a writer sends (EngineProcess). */
export interface WritingEngine {
  request(
    method: 'countChats',
    params: EngineRequests['countChats'][0],
    signal?: AbortSignal,
  ): Promise<EngineRequests['countChats'][1]>;
  stream(
    kind: WorkClass,
    method: 'write',
    params: Omit<EngineRequests['write'][0], 'id'>,
    listener: { text: (text: string) => void },
    signal?: AbortSignal,
  ): Promise<Written>;
}

/** Writes prose with the model of the inference process. */
export class EngineWriter implements Writer {
  readonly contextTokens: number;
  readonly bytesPerRow: number;
  readonly anchorTokens?: number;

  constructor(
    readonly author: Author,
    model: LoadedModel,
    private readonly kind: WorkClass,
    private readonly engine: WritingEngine,
  ) {
    this.contextTokens = model.contextTokens;
    this.bytesPerRow = model.bytesPerRow;
    if (model.anchorTokens !== undefined) this.anchorTokens = model.anchorTokens;
  }

  countChats(chats: readonly (readonly ChatMessage[])[], signal?: AbortSignal): Promise<readonly number[]> {
    return this.engine.request('countChats', { chats }, signal);
  }

  write(chat: readonly ChatMessage[], options: Parameters<Writer['write']>[1]): Promise<Written> {
    const { maxNewTokens, onText, signal, quotes, anchors } = options;
    return this.engine.stream(
      this.kind,
      'write',
      { chat, maxNewTokens, ...(quotes ? { quotes } : {}), ...(anchors ? { anchors } : {}) },
      { text: onText },
      signal,
    );
  }
}
