/**
 * Memories at work in the worker: the store, the encoder over the engine's process, and contexts composed for
 * questions.
 */
import type {
  Author,
  ComposedContext,
  ComposeParams,
  ComposeResult,
  DenseRatio,
  IndexStatus,
  MemoryDescription,
  QueryEmbedding,
  Scope,
  SegmentMemory,
} from '../protocol';
import { join } from 'node:path';
import { composeContext } from '../assistant';
import {
  type ContextEngine,
  type ContextRequest,
  Memories,
  MemoryEncoding,
  MemoryStore,
  memoryVersion,
  type ReadingOptions,
  type SegmentCoder,
  type WorkspaceMemory,
} from '../memory';
import type { Search, SearchResult } from '../search';
import type { Workspace } from '../workspace';
import type { EngineProcess } from '../inference/engine-process';
import { AppError, SerialQueue } from '../base';

export interface MemoryServiceOptions {
  library: Workspace;
  engine: EngineProcess;
  storageDirectory: string;
  budgetBytes: number;
  yieldToForeground?: () => Promise<void>;
  changed?: () => void;
  warn?: (message: string) => void;
}

interface Open {
  fingerprint: string;
  store: MemoryStore;
  encoding: MemoryEncoding;
  memories: Memories;
  engine: EngineContexts;
  author: Author;
}

export class MemoryService {
  private current: Open | undefined;
  private readonly changes = new SerialQueue();
  private paused = false;
  private budgetBytes: number;
  private openFiles: readonly string[] = [];

  constructor(private readonly options: MemoryServiceOptions) {
    this.budgetBytes = options.budgetBytes;
  }

  /** Another budget: the store is opened anew with it. */
  async setBudget(bytes: number): Promise<void> {
    if (bytes === this.budgetBytes) return;
    this.budgetBytes = bytes;
    await this.end();
    await this.update();
  }

  /**
   * The model or the library has changed: opens, closes or goes on, as it needs to. Without memory slots nothing runs.
   */
  update(): Promise<void> {
    return this.changes.run(async () => {
      const { memory } = this.options.engine.model ?? {};
      const { state } = this.options.engine.status;
      // A process that is being started again comes back with the same model.
      if (!memory && state === 'loading') return;
      if (memory?.fingerprint !== this.current?.fingerprint) await this.close();
      if (memory && !this.current) this.current = await this.open(memory);
      this.current?.encoding.changed();
    });
  }

  /**
   * Encodes what is missing and waits for it, once it is known so long (ms) at most; what is then still missing is held
   * until the next time.
   */
  async settle(patience = Infinity): Promise<void> {
    await this.update();
    const { current } = this;
    if (!current) return;
    const complete = current.encoding.run().then(() => true);
    if (patience === Infinity) return void (await complete);
    await current.encoding.untilCounted();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), patience)));
    if (!(await Promise.race([complete, late]).finally(() => clearTimeout(timer)))) current.encoding.pause(true);
  }

  /** Opens what there is and encodes nothing by itself. */
  async rest(): Promise<void> {
    this.pause(true);
    await this.update();
  }

  /** Opens the stored memories and waits until it is known which segments have them. Encodes nothing. */
  async openStored(): Promise<void> {
    await this.rest();
    await this.current?.encoding.untilCounted();
  }

  pause(paused: boolean): void {
    this.paused = paused;
    this.current?.encoding.pause(paused);
  }

  setOpen(files: readonly string[]): void {
    this.openFiles = files;
    this.current?.encoding.setOpen(files);
  }

  get status(): IndexStatus['memories'] {
    if (!this.current) return undefined;
    const { encoded, segments, counting, paused, standstill } = this.current.encoding.status();
    return {
      encoded,
      segments,
      ...(counting ? { counting } : {}),
      bytes: this.current.store.stats().bytes,
      budgetBytes: this.budgetBytes,
      paused,
      ...(standstill ? { standstill } : {}),
    };
  }

  /** Tokens of everything in the store, other workspaces' and older texts included. */
  get storedTokens(): number {
    return this.current?.store.stats().tokens ?? 0;
  }

  /** Share (0…1) of the segments whose memories are there. */
  get coverage(): number | undefined {
    const status = this.status;
    return status && (status.segments === 0 ? 1 : status.encoded / status.segments);
  }

  /** What a question is ranked and read with; undefined while there are no memories. */
  get workspace(): WorkspaceMemory | undefined {
    const { current } = this;
    if (!current || current.encoding.status().encoded === 0) return undefined;
    return this.memoryOf(current);
  }

  private memoryOf({ author, memories, engine }: Open): WorkspaceMemory {
    return { author, memories, engine, indexed: (path) => this.options.library.indexed(path) };
  }

  /** @throws AppError('modelFailed') when the model has no memory slots */
  compose(
    request: { question: string; scope: Scope; maxNewTokens: number },
    search: Pick<Search, 'rank'>,
    signal?: AbortSignal,
  ): Promise<ComposedContext & SearchResult> {
    const { current } = this;
    if (!current) {
      const { detail } = this.options.engine.status;
      throw new AppError(
        'modelFailed',
        `No model with memory slots is in use, so there is no context over the whole workspace. ${detail}`,
        'Memories come with the bundled model.',
      );
    }
    return composeContext(request, { search, memory: this.memoryOf(current), signal });
  }

  /** Drops every memory; returns the bytes freed. They are encoded again when the library is next looked at. */
  async clear(): Promise<number> {
    return this.changes.run(async () => {
      if (!this.current) return 0;
      const { store, encoding, memories } = this.current;
      encoding.forget();
      memories.clear();
      return store.clear();
    });
  }

  async end(): Promise<void> {
    await this.changes.run(() => this.close());
  }

  private async open(memory: MemoryDescription): Promise<Open> {
    const { library, engine, storageDirectory, yieldToForeground, changed, warn } = this.options;
    const { budgetBytes } = this;
    const version = memoryVersion(memory.fingerprint);
    const store = await MemoryStore.open({ directory: join(storageDirectory, 'memories'), budgetBytes, version });
    const encoding = new MemoryEncoding({
      library,
      store,
      coder: new EngineCoder(engine, version),
      yieldToForeground,
      changed,
      warn,
    });
    encoding.setOpen(this.openFiles);
    encoding.pause(this.paused);
    const memories = new Memories({
      encoding,
      store,
      ratios: memory.ratios,
      bytesPerRow: memory.storedRowBytes,
      vectorWidth: memory.vectorWidth,
      vocabSize: memory.vocabSize,
    });
    return {
      fingerprint: memory.fingerprint,
      store,
      encoding,
      memories,
      engine: new EngineContexts(engine, memory),
      author: engine.status.author,
    };
  }

  private async close(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    if (!current) return;
    await current.encoding.close();
    await current.store.close();
  }
}

/** Encodes segments in the class of indexing: an answer or a hover that comes meanwhile has the next turn. */
class EngineCoder implements SegmentCoder {
  constructor(
    private readonly engine: EngineProcess,
    readonly version: string,
  ) {}

  encode(texts: readonly string[], signal: AbortSignal): Promise<readonly SegmentMemory[]> {
    return this.engine.schedule('indexing', 'encode', { texts }, signal);
  }
}

class EngineContexts implements ContextEngine {
  readonly windowTokens: number;
  readonly sinkRows: number;
  readonly dense?: DenseRatio;
  /** The coarse rows that the process of this id has. */
  private sent: { pid: number | undefined; id: string } | undefined;

  constructor(
    private readonly engine: EngineProcess,
    { windowTokens, sinkRows, dense }: MemoryDescription,
  ) {
    if (dense) this.dense = dense;
    this.windowTokens = windowTokens;
    this.sinkRows = sinkRows;
  }

  async embedQuery(question: string, signal?: AbortSignal): Promise<QueryEmbedding> {
    const [made] = await this.engine.schedule('answer', 'vectors', { questions: [question] }, signal);
    if (!made) throw new AppError('modelFailed', 'The model made no vector of the question.');
    return made;
  }

  /** Coarse rows of a workspace are megabytes and the same for question after question: they are sent once. */
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
