/**
 * Compressed rows of a workspace in use: the store, the encoder over the inference process, and contexts composed for
 * questions.
 */
import { join } from 'node:path';
import * as l10n from '@vscode/l10n';
import type { Author, ComposedContext, IndexStatus, MemoryDescription, Scope, SharedMemorySettings } from '../protocol';
import { composeContext } from '../assistant';
import {
  MemoryReader,
  MemoryEncoding,
  MemoryStore,
  memoryFolder,
  memoryVersion,
  removeUnusedMemories,
  type WorkspaceMemory,
} from '../memory';
import type { Search, SearchMemory, SearchResult } from '../search';
import type { Workspace } from '../workspace';
import type { EngineProcess } from '../inference';
import { AppError, SerialQueue } from '../base';
import { IMPATIENT, type Patience } from '../team';
import { EngineCoder, EngineContexts } from './engine-coder';
import { TeamRows } from './team/team-rows';

export interface MemoryServiceOptions {
  library: Workspace;
  engine: EngineProcess;
  storageDirectory: string;
  budgetBytes: number;
  /** The memory that a team shares; absent for none. */
  shared?: SharedMemorySettings | undefined;
  /** How long this process waits for the team's store. Default: not long. */
  patience?: Patience;
  yieldToForeground?: () => Promise<void>;
  changed?: () => void;
  warn?: (message: string) => void;
}

interface Open {
  fingerprint: string;
  store: MemoryStore;
  encoding: MemoryEncoding;
  memories: MemoryReader;
  engine: EngineContexts;
  author: Author;
  coder: EngineCoder;
  team: TeamRows | undefined;
}

export class MemoryService {
  private current: Open | undefined;
  private readonly changes = new SerialQueue();
  private paused = false;
  private budgetBytes: number;
  private shared: SharedMemorySettings | undefined;
  private openFiles: readonly string[] = [];

  constructor(private readonly options: MemoryServiceOptions) {
    this.budgetBytes = options.budgetBytes;
    this.shared = options.shared;
  }

  /** Reopens the store with another budget, or for another team. */
  async change(bytes: number, shared: SharedMemorySettings | undefined): Promise<void> {
    if (bytes === this.budgetBytes && JSON.stringify(shared) === JSON.stringify(this.shared)) return;
    this.budgetBytes = bytes;
    this.shared = shared;
    await this.end();
    await this.update();
  }

  /**
   * Follows a change of the model or the workspace: opens or closes the store and resumes encoding. Does nothing for a
   * model without memory slots.
   */
  update(): Promise<void> {
    return this.changes.run(async () => {
      const { memory } = this.options.engine.model ?? {};
      const { state } = this.options.engine.status;
      // A process that restarts loads the same model again.
      if (!memory && state === 'loading') return;
      if (memory?.fingerprint !== this.current?.fingerprint) await this.close();
      if (memory && !this.current) this.current = await this.open(memory);
      this.current?.encoding.changed();
    });
  }

  /**
   * Encodes missing segments and waits until they are done, or until `patience` (ms) has passed since their number is
   * known. Encoding pauses then.
   */
  async encodeUntil(patience = Infinity): Promise<void> {
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

  /** Opens the store and leaves encoding paused. */
  async openOnly(): Promise<void> {
    this.pause(true);
    await this.update();
  }

  /** Opens the store, encodes nothing, and waits until the number of encoded segments is known. */
  async openStored(): Promise<void> {
    await this.openOnly();
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
    const { encoded, segments, fromTeam, counting, paused, standstill } = this.current.encoding.status();
    return {
      encoded,
      segments,
      ...(counting ? { counting } : {}),
      bytes: this.current.store.stats().bytes,
      budgetBytes: this.budgetBytes,
      paused,
      ...(this.current.team ? { fromTeam, team: this.current.team.status } : {}),
      ...(standstill ? { standstill } : {}),
    };
  }

  /** The opened store and the team's memory, for commands about them. Undefined without a model. */
  get opened(): Pick<Open, 'store' | 'encoding' | 'team' | 'coder'> | undefined {
    return this.current;
  }

  /** Tokens of all rows in the store. Includes other workspaces and older texts. */
  get storedTokens(): number {
    return this.current?.store.stats().tokens ?? 0;
  }

  /** Share (0…1) of segments that are encoded. */
  get coverage(): number | undefined {
    const status = this.status;
    return status && (status.segments === 0 ? 1 : status.encoded / status.segments);
  }

  /** Compressed rows for ranking and reading; undefined while no segment is encoded. */
  get workspace(): (WorkspaceMemory & SearchMemory) | undefined {
    const { current } = this;
    if (!current || current.encoding.status().encoded === 0) return undefined;
    return this.memoryOf(current);
  }

  private memoryOf({ author, memories, engine, team }: Open): WorkspaceMemory & SearchMemory {
    return {
      author,
      memories,
      engine,
      indexed: (path) => this.options.library.indexed(path),
      ...(team ? { open: (...question) => team.open(...question) } : {}),
    };
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
        l10n.t('No model with memory slots is in use, so there is no context over the whole workspace. {0}', detail),
        l10n.t('Use the bundled model; it has memory slots.'),
      );
    }
    return composeContext(request, { search, memory: this.memoryOf(current), signal });
  }

  /** Deletes all rows; returns the bytes freed. The next update encodes them again. */
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
    const directory = memoryFolder(storageDirectory, version);
    const store = await MemoryStore.open({ directory, budgetBytes, version });
    await removeUnusedMemories(storageDirectory, directory);
    const coder = new EngineCoder(engine, version);
    const team = this.shared && (await this.openTeam(this.shared, { memory, version, local: store }));
    const encoding = new MemoryEncoding({
      workspace: library,
      store,
      coder,
      ...(team ? { shared: team } : {}),
      yieldToForeground,
      changed,
      warn,
    });
    team?.follow(encoding);
    encoding.setOpen(this.openFiles);
    encoding.pause(this.paused);
    const memories = new MemoryReader({
      encoding,
      store,
      ratios: memory.ratios,
      bytesPerRow: memory.storedRowBytes,
      vocabSize: memory.vocabSize,
    });
    return {
      fingerprint: memory.fingerprint,
      store,
      encoding,
      memories,
      engine: new EngineContexts(engine, memory),
      author: engine.status.author,
      coder,
      team,
    };
  }

  private openTeam(
    settings: SharedMemorySettings,
    opened: Pick<Parameters<typeof TeamRows.open>[0], 'memory' | 'version' | 'local'>,
  ): Promise<TeamRows> {
    const { storageDirectory, patience = IMPATIENT, changed, warn } = this.options;
    return TeamRows.open({
      ...opened,
      settings,
      patience,
      cacheDirectory: join(storageDirectory, 'team'),
      ...(changed ? { changed } : {}),
      ...(warn ? { warn } : {}),
    });
  }

  private async close(): Promise<void> {
    const { current } = this;
    this.current = undefined;
    if (!current) return;
    try {
      await current.encoding.close();
      await current.team?.close();
    } finally {
      await current.store.close();
    }
  }
}
