import type { Author, ChatMessage, EngineRequests, LoadedModel, Readiness, Writer, Written } from '../protocol';
import type { WorkClass } from '../base';

/** The requests of the inference process that a writer sends (EngineProcess). */
export interface WritingEngine {
  request<M extends 'countChats' | 'readiness'>(
    method: M,
    params: EngineRequests[M][0],
    signal?: AbortSignal,
  ): Promise<EngineRequests[M][1]>;
  schedule(
    kind: WorkClass,
    method: 'readAhead',
    params: EngineRequests['readAhead'][0],
    signal?: AbortSignal,
  ): Promise<EngineRequests['readAhead'][1]>;
  stream(
    kind: WorkClass,
    method: 'write',
    params: Omit<EngineRequests['write'][0], 'id'>,
    listener: { text: (text: string) => void; tokens?: ((read: number, total: number) => void) | undefined },
    signal?: AbortSignal,
  ): Promise<Written>;
  /** Told of each finished text. */
  wrote?(written: Written, model: LoadedModel): void;
}

/** Writes prose with the model of the inference process. */
export class EngineWriter implements Writer {
  readonly parameters: number;
  readonly contextTokens: number;
  readonly anyLength: boolean;
  readonly bytesPerRow: number;

  constructor(
    readonly author: Author,
    private readonly model: LoadedModel,
    private readonly kind: WorkClass,
    private readonly engine: WritingEngine,
  ) {
    this.parameters = model.parameters;
    this.contextTokens = model.contextTokens;
    this.anyLength = model.anyLength ?? false;
    this.bytesPerRow = model.bytesPerRow;
  }

  countChats(chats: readonly (readonly ChatMessage[])[], signal?: AbortSignal): Promise<readonly number[]> {
    return this.engine.request('countChats', { chats }, signal);
  }

  readiness(chat: readonly ChatMessage[], quotes: readonly string[], signal?: AbortSignal): Promise<Readiness> {
    return this.engine.request('readiness', { chat, quotes }, signal);
  }

  async readAhead(chat: readonly ChatMessage[], quotes: readonly string[], signal?: AbortSignal): Promise<void> {
    await this.engine.schedule(this.kind, 'readAhead', { chat, quotes }, signal);
  }

  async write(chat: readonly ChatMessage[], options: Parameters<Writer['write']>[1]): Promise<Written> {
    const { maxNewTokens, onText, onRead, signal, quotes } = options;
    const written = await this.engine.stream(
      this.kind,
      'write',
      { chat, maxNewTokens, ...(quotes ? { quotes } : {}) },
      { text: onText, tokens: onRead },
      signal,
    );
    this.engine.wrote?.(written, this.model);
    return written;
  }
}
