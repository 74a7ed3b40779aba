/** The inference process as the memory room uses it: it encodes segments and reads composed contexts. */
import type {
  ComposeParams,
  ComposeResult,
  DenseRatio,
  MemoryDescription,
  QueryEmbedding,
  SegmentMemory,
} from '../protocol';
import type { EngineProcess } from '../inference';
import type { SentenceEncoding } from '../search';
import type { ContextEngine, ContextRequest, ReadingOptions, SegmentCoder } from '../memory';

/** Encodes segments with the priority of indexing: an answer or a hover that arrives meanwhile goes next. */
export class EngineCoder implements SegmentCoder {
  constructor(
    private readonly engine: EngineProcess,
    readonly version: string,
  ) {}

  encode(texts: readonly string[], signal: AbortSignal): Promise<readonly SegmentMemory[]> {
    return this.engine.schedule('indexing', 'encode', { texts }, signal);
  }
}

/** The sentence encoder of a loaded model, which embeds passages while a question waits. */
export function sentencesOf(engine: EngineProcess): SentenceEncoding | undefined {
  if (!engine.model?.memory?.sentenceWidth) return undefined;
  return { sentences: (texts, signal) => engine.schedule('answer', 'sentences', { texts }, signal) };
}

export class EngineContexts implements ContextEngine {
  readonly windowTokens: number;
  readonly sinkRows: number;
  readonly dense?: DenseRatio;
  /** Id of the coarse rows that the process `pid` holds. */
  private sent: { pid: number | undefined; id: string } | undefined;

  constructor(
    private readonly engine: EngineProcess,
    { windowTokens, sinkRows, dense }: MemoryDescription,
  ) {
    if (dense) this.dense = dense;
    this.windowTokens = windowTokens;
    this.sinkRows = sinkRows;
  }

  embedQuery(question: string, signal?: AbortSignal): Promise<QueryEmbedding> {
    return this.engine.schedule('answer', 'embed', { question }, signal);
  }

  /**
   * Composes a context. The coarse rows are megabytes and the same for every question, so they are sent only when the
   * process does not hold them.
   */
  async compose({ coarse, ...rest }: ContextRequest, { signal, onRead }: ReadingOptions = {}): Promise<ComposeResult> {
    const { id, tokens } = coarse;
    const known = this.sent?.id === id && this.sent.pid === this.engine.pid;
    const ask = (sent: ComposeParams['coarse']): Promise<ComposeResult> =>
      this.engine.stream('answer', 'compose', { ...rest, coarse: sent }, { read: onRead }, signal);
    const first = await ask(known ? { id, tokens } : coarse);
    const written = first.held ? first : await ask(coarse);
    this.sent = { pid: this.engine.pid, id };
    return written;
  }
}
