/**
 * One session over a workspace: its index, compressed rows, search and models, put together once for the worker and
 * the terminal.
 *
 *     const session = await Session.open({ folders, storageDirectory, modelsDirectory, settings, … });
 *     await session.loadModels();
 *     await session.index();
 *     const answer = await session.answering.ask({ id, question, scope });
 *     await session.close();
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExtendedWindow, FolderParams, Held, IndexStatus, WorkerSettings } from '../protocol';
import { ExplanationCache } from '../assistant';
import { AppError, Foreground } from '../base';
import { recordSpeed } from '../hub';
import { Search } from '../search';
import { IMPATIENT, type Patience, type PushedIndex } from '../team';
import type { StoreOptions, Workspace } from '../workspace';
import { Answering, type ProgressListener } from './answering';
import { sentencesOf } from './engine-coder';
import { Engines } from './engines';
import { extendWindow } from './extend-window';
import { IndexReportWriter } from './index-report';
import { MemoryService } from './memory-service';
import { chooseModels, ROWS_FOLDER, type ModelChoices } from './models';
import { gitHistory } from './history/commit-history';
import { indexSettings, openWorkspace } from './open-workspace';
import { commitWorkspaceIndex, takeWorkspaceIndex } from './team/team-index';

/** Longest time (ms) that opening a workspace without an index waits for the team's. */
const INDEX_MS = 45_000;

type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface SessionOptions {
  folders: readonly FolderParams[];
  /** Directory of everything that is stored about this workspace. */
  storageDirectory: string;
  /** How the index is used when another process writes it. Default: with a second copy. */
  store?: StoreOptions;
  /** Directory of models and compiled graphs, shared by workspaces. */
  modelsDirectory: string;
  settings: WorkerSettings;
  /** Absolute path of the bundled inference process. */
  inferenceFile: string;
  /** True encodes segments after each pass and model change; false encodes only in `memory.encodeUntil`. */
  encodeInBackground: boolean;
  /** False in Restricted Mode, where no git is run. Default: true. */
  trusted?: boolean;
  /** How long the session waits for a team's store. Default: not long. */
  patience?: Patience;
  /** Indexing and encoding pause while a request is in hand here. */
  foreground?: Foreground;
  log: (level: LogLevel, message: string) => void;
  /** Receives problems of the stores, in words for the user. */
  warn: (message: string) => void;
  indexChanged?: () => void;
  memoryChanged?: () => void;
  modelsChanged?: () => void;
}

interface Parts {
  workspace: Workspace;
  memory: MemoryService;
  engines: Engines;
  explanations: ExplanationCache;
  foreground: Foreground;
}

export class Session {
  readonly workspace: Workspace;
  readonly memory: MemoryService;
  readonly engines: Engines;
  readonly answering: Answering;
  private readonly explanations: ExplanationCache;
  private readonly foreground: Foreground;
  private readonly report: IndexReportWriter;
  private settings: WorkerSettings;
  private held: Held | undefined;

  private constructor(
    private readonly options: SessionOptions,
    { workspace, memory, engines, explanations, foreground }: Parts,
  ) {
    this.workspace = workspace;
    this.memory = memory;
    this.engines = engines;
    this.explanations = explanations;
    this.foreground = foreground;
    this.settings = options.settings;
    this.report = new IndexReportWriter(options.storageDirectory);
    const search = new Search({
      workspace,
      memory: () => memory.workspace,
      sentences: () => sentencesOf(engines.memory),
      encodedShare: () => memory.coverage,
    });
    // A trial search after indexing fills the caches, so that the first question is fast.
    workspace.setWarmUp((question) => search.warmUp(question));
    const history =
      options.trusted === false ? undefined : gitHistory(options.folders.map(({ directory }) => directory));
    this.answering = new Answering({ workspace, search, memory, engines, explanations, history });
    workspace.onStatus((status) => {
      this.report.update(status);
      options.indexChanged?.();
      void this.encodeInBackground();
    });
  }

  /** Opens the stores. Loads no model and starts no pass. @throws AppError when the storage cannot be used */
  static async open(options: SessionOptions): Promise<Session> {
    const { storageDirectory, settings, inferenceFile, log, warn, memoryChanged, modelsChanged } = options;
    const { foreground = new Foreground() } = options;
    if (settings.shared && options.store?.access !== 'read')
      await takeWorkspaceIndex(
        { ...options, settings: settings.shared },
        { patience: options.patience ?? IMPATIENT, signal: AbortSignal.timeout(INDEX_MS), warn },
      );
    const workspace = await openWorkspace({ ...options, yieldToForeground: () => foreground.clear() }, warn);
    // The estimate of other models' speed rests on it; an answer does not fail with it.
    const wrote = (bytesPerSecond: number) => void recordSpeed(options.modelsDirectory, bytesPerSecond).catch(() => {});
    const engines = new Engines({ file: inferenceFile, log, changed: () => modelsChanged?.(), wrote });
    const memory = new MemoryService({
      library: workspace,
      engine: engines.memory,
      storageDirectory,
      budgetBytes: settings.memoryBudgetBytes,
      shared: settings.shared,
      ...(options.patience ? { patience: options.patience } : {}),
      yieldToForeground: async () => {
        await foreground.clear();
        await engines.quiet();
      },
      changed: () => memoryChanged?.(),
      warn,
    });
    const explanations = new ExplanationCache(join(storageDirectory, 'explanations'), { warn });
    return new Session(options, { workspace, memory, engines, explanations, foreground });
  }

  // ── Models ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The models that the settings name, loaded or not. */
  modelChoices(): Promise<ModelChoices> {
    return chooseModels({ ...this.options, settings: this.settings });
  }

  /** Loads the models that the settings name. Resolves once they are loaded or have failed; `status` says which. */
  async loadModels(): Promise<void> {
    await this.engines.choose(await this.modelChoices());
    await this.encodeInBackground();
  }

  /**
   * Encodes new segments, if this session does. Until the index is whole it has the cores to itself, because answers
   * need it first; its end reports a status.
   */
  private async encodeInBackground(): Promise<void> {
    const { state } = this.workspace.status();
    if (this.options.encodeInBackground && state !== 'walking' && state !== 'indexing') await this.memory.update();
  }

  /** Extends the window of the chosen model. It runs with it when it is loaded again. @throws AppError */
  async extendWindow(factor: number, signal: AbortSignal, progress: ProgressListener): Promise<ExtendedWindow> {
    const { chat, memory } = await this.modelChoices();
    const choice = [chat, memory].find((each) => each?.kind === 'chosen');
    if (!choice) throw new AppError('modelFailed', 'No model on this machine is chosen.', 'Choose one first.');
    const { storageDirectory, inferenceFile, log } = this.options;
    const engine = { file: inferenceFile, log };
    return extendWindow({ choice, factor, workspace: this.workspace, storageDirectory, engine, signal, progress });
  }

  /** Applies other settings. Another model replaces the current one between questions. */
  async changeSettings(settings: WorkerSettings): Promise<void> {
    this.settings = settings;
    await Promise.all([
      this.workspace.setSettings(indexSettings(settings)),
      this.memory.change(settings.memoryBudgetBytes, settings.shared),
      this.foreground.quiet().then(() => this.loadModels()),
    ]);
  }

  // ── Indexing ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Indexes the changes since the last pass, waits for it and saves the report. @throws Error when the pass fails */
  async index(signal?: AbortSignal): Promise<void> {
    await this.workspace.start(signal);
    signal?.throwIfAborted();
    const status = this.workspace.status();
    if (status.state === 'failed') throw new Error(status.reason);
    this.report.update(status);
    await this.report.saved();
  }

  /** Starts the first pass, or one after a clear or a failure. File events keep a finished index up to date. */
  startWhenIdle(): void {
    const { state } = this.workspace.status();
    if (state === 'idle' || state === 'failed') void this.workspace.start();
  }

  /** Sets whether indexing and encoding may run in the background. `cancel` also ends the current pass. */
  hold(held: Held | undefined): void {
    this.held = held;
    this.workspace.pause(held === 'paused');
    this.memory.pause(held !== undefined);
    this.options.indexChanged?.();
  }

  /** Lets held work go on; takes a cancelled pass up again. */
  resume(): void {
    this.hold(undefined);
    if (this.workspace.status().state === 'cancelled') void this.workspace.start();
  }

  /** Ends the current pass and encoding until `resume`. Everything indexed so far is kept. */
  async cancel(): Promise<void> {
    this.hold('cancelled');
    await this.workspace.cancel();
  }

  /** Commits the index to the team's store. @throws AppError, ObjectStoreError when that fails */
  async shareIndex(signal?: AbortSignal): Promise<PushedIndex | undefined> {
    const { options, settings } = this;
    if (!settings.shared) return undefined;
    const owner = { ...options, settings: settings.shared };
    return commitWorkspaceIndex(owner, options.patience ?? IMPATIENT, signal);
  }

  /** Discards the index and starts a new pass. */
  async rebuild(): Promise<void> {
    // Before the clearing, which takes a moment: a pause that arrives meanwhile holds.
    this.hold(undefined);
    await this.clearIndex();
    void this.workspace.start();
  }

  /** Discards the index only; returns the bytes freed. */
  async clearIndex(): Promise<number> {
    const freed = await this.workspace.clear();
    await this.report.remove();
    return freed;
  }

  /** Discards index, compressed rows and explanations; returns the bytes freed. The next question indexes again. */
  async clear(): Promise<number> {
    const freed = (await this.clearIndex()) + (await this.memory.clear());
    await this.engines.forgetRows();
    await rm(join(this.options.storageDirectory, ROWS_FOLDER), { recursive: true, force: true });
    if (this.held === 'cancelled') this.hold(undefined);
    return freed + (await this.explanations.clear());
  }

  status(): IndexStatus {
    const { status } = this.memory;
    return {
      ...this.workspace.status(),
      model: this.engines.status,
      ...(status ? { memories: status } : {}),
      ...(this.held ? { held: this.held } : {}),
    };
  }

  async close(): Promise<void> {
    this.engines.close();
    // A part that cannot be written must not keep the others open: threads, locks and processes would stay.
    const ended = await Promise.allSettled([this.memory.end(), this.report.saved()]);
    await this.workspace.close();
    for (const part of ended) if (part.status === 'rejected') throw part.reason;
  }
}
