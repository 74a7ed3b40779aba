/**
 * Owner of one inference process. Runs of ONNX Runtime are synchronous and a fault in it is fatal. In a process of its
 * own it neither blocks search nor takes the worker down. The process starts when a model is chosen and restarts with
 * growing delays when it crashes. After several crashes in a row it stays down, and answers quote the sources. A
 * process that is idle, or has outgrown its memory limit, ends and returns with the next request.
 */
import * as l10n from '@vscode/l10n';
import type {
  Author,
  ComposeReading,
  EngineNotifications,
  EngineRequests,
  ErrorData,
  LoadedModel,
  LoadParams,
  ModelStatus,
  Writer,
  Written,
} from '../protocol';
import { basename } from 'node:path';
import { CancellationTokenSource, ResponseError, type MessageConnection } from 'vscode-jsonrpc/node';
import { Supervisor, TIMING as SUPERVISOR_TIMING, whileAlive, type Supervised, type Verdict } from '../rpc';
import { glibcTrouble } from './glibc';
import { AppError, ExclusiveQueue, formatBytes, type WorkClass } from '../base';
import { EngineWriter } from './engine-writer';

export interface EngineOptions {
  /** Absolute path of the bundled inference process. */
  file: string;
  log: (level: EngineNotifications['log']['level'], message: string) => void;
  /** Called when `status` has changed. */
  changed: () => void;
  /** Told how fast a model wrote a text: bytes of weights read in a second. */
  wrote?: (bytesPerSecond: number) => void;
  /** Resident bytes above which an idle process is ended. Default: no limit. */
  memoryLimitBytes?: number;
  /** Milliseconds; tests shorten them. */
  timing?: Partial<typeof TIMING>;
}

/** Fewest tokens of a text whose speed counts. */
const TELLING_TOKENS = 16;

const TIMING = {
  ...SUPERVISOR_TIMING,
  mostEnds: 4,
  farewell: 2_000,
  /** A cancelled answer ends within a chunk. A process that takes longer hangs and is killed. */
  cancelPatience: 15_000,
  /** A process without a request for this long is ended, to free its memory. */
  idle: 600_000,
};

export interface ModelChoice extends LoadParams {
  kind: 'bundled' | 'chosen';
}

interface Running {
  process: Supervised;
  model: LoadedModel;
}

/** Receives the progress of a request. */
export interface EngineListener {
  text?: ((text: string) => void) | undefined;
  read?: ((reading: ComposeReading) => void) | undefined;
  /** Tokens of the prompt read so far, and all that must be read. */
  tokens?: ((read: number, total: number) => void) | undefined;
  /** Trials of a search that are done, and all of them. */
  trials?: ((done: number, total: number) => void) | undefined;
}

export class EngineProcess {
  status: ModelStatus = noModel();
  private choice: ModelChoice | undefined;
  private starting: Promise<Running> | undefined;
  private running: Running | undefined;
  /** The model that was loaded last. The next request loads it again after its idle process was ended. */
  private loaded: LoadedModel | undefined;
  private active = 0;
  /** Resident memory after the last request. */
  private residentBytes = 0;
  private waitingForQuiet: (() => void)[] = [];
  private nextListener = 1;
  private closed = false;
  private readonly queue = new ExclusiveQueue();
  private readonly listeners = new Map<number, EngineListener>();
  private readonly timing: typeof TIMING;
  private readonly supervisor: Supervisor;

  constructor(private readonly options: EngineOptions) {
    this.timing = { ...TIMING, ...options.timing };
    this.supervisor = new Supervisor({
      file: options.file,
      name: 'model process',
      inspect: 'ANCHORAGE_INSPECT_INFERENCE',
      timing: { ...this.timing, tick: Math.min(this.timing.tick, this.timing.idle) },
      log: options.log,
      connect: (connection) => this.listen(connection),
      ended: (_process, how, verdict) => this.ended(how, verdict),
      restart: () => void this.start().catch(() => {}),
      idleAfter: () => this.timing.idle,
      idle: () => this.release('is idle'),
    });
  }

  /** Switches to another model, or to none. Resolves once it is loaded or has failed; `status` says which. */
  async choose(choice: ModelChoice | undefined): Promise<void> {
    // A model that failed is tried again: its files may be back.
    const isSame = JSON.stringify(choice) === JSON.stringify(this.choice);
    if (isSame && this.status.state !== 'failed') return;
    this.stop();
    this.choice = choice;
    this.loaded = undefined;
    this.supervisor.forgive();
    if (!choice) return this.setStatus(noModel());
    this.status = noModel();
    await this.start().catch(() => {});
  }

  /** Present while a model is loaded or being loaded. */
  writer(kind: WorkClass = 'answer'): Writer | undefined {
    const { model } = this;
    if (!model || this.status.state !== 'ready') return undefined;
    return new EngineWriter(this.status.author, model, kind, this);
  }

  /** Waits for a load in progress. */
  async settled(signal?: AbortSignal): Promise<void> {
    if (!this.starting || this.running) return;
    const cancelled = new Promise<void>((resolve) =>
      signal?.addEventListener('abort', () => resolve(), { once: true }),
    );
    await Promise.race([
      this.starting.then(
        () => {},
        () => {},
      ),
      cancelled,
    ]);
  }

  close(): void {
    this.closed = true;
    this.supervisor.dispose();
    this.stop();
  }

  get pid(): number | undefined {
    return this.supervisor.current?.pid;
  }

  async request<M extends keyof EngineRequests>(
    method: M,
    params: EngineRequests[M][0],
    signal?: AbortSignal,
  ): Promise<EngineRequests[M][1]> {
    this.active += 1;
    try {
      return await this.supervisor.use(async () => {
        const { process } = await this.start();
        return this.send(process, method, params, signal);
      });
    } finally {
      this.active -= 1;
      if (this.active === 0) this.becameQuiet();
    }
  }

  /** Short texts say little about speed. */
  wrote({ newTokens, timing }: Written, { tokenBytes }: LoadedModel): void {
    if (newTokens >= TELLING_TOKENS && timing.decode > 0)
      this.options.wrote?.((newTokens / timing.decode) * 1000 * tokenBytes);
  }

  /** The model in use, whether its process runs or not; undefined while none is loaded. */
  get model(): LoadedModel | undefined {
    return this.running?.model ?? (this.status.state === 'ready' ? this.loaded : undefined);
  }

  /** Resolves once no request is in progress, or after `patience` (ms). */
  quiet(patience: number): Promise<void> {
    if (this.active === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, patience);
      this.waitingForQuiet.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Sends a request that runs the model, in order of priority. */
  schedule<M extends keyof EngineRequests>(
    kind: WorkClass,
    method: M,
    params: EngineRequests[M][0],
    signal?: AbortSignal,
  ): Promise<EngineRequests[M][1]> {
    return this.queue.run(kind, () => this.request(method, params, signal), signal);
  }

  /** Schedules a request that reports its progress to a listener. */
  stream<M extends 'write' | 'compose' | 'extendWindow'>(
    kind: WorkClass,
    method: M,
    params: Omit<EngineRequests[M][0], 'id'>,
    listener: EngineListener,
    signal?: AbortSignal,
  ): Promise<EngineRequests[M][1]> {
    const id = this.nextListener++;
    this.listeners.set(id, listener);
    const request = { ...params, id } as EngineRequests[M][0];
    return this.schedule(kind, method, request, signal).finally(() => this.listeners.delete(id));
  }

  private start(): Promise<Running> {
    if (!this.choice || this.closed) return Promise.reject(new AppError('modelFailed', 'No model is loaded.'));
    if (this.status.state === 'failed' && !this.starting)
      return Promise.reject(new AppError('modelFailed', this.status.detail));
    this.starting ??= this.launch(this.choice);
    return this.starting;
  }

  private async launch(choice: ModelChoice): Promise<Running> {
    const { kind, ...params } = choice;
    const trouble = glibcTrouble();
    if (trouble !== undefined) {
      this.setStatus({ state: 'failed', author: { kind: 'extractive' }, detail: trouble });
      throw new AppError('modelFailed', trouble);
    }
    this.setStatus({
      state: 'loading',
      author: { kind: 'extractive' },
      detail: l10n.t('Loading {0}.', choice.name ?? basename(choice.directory)),
    });
    const process = this.supervisor.launch();
    try {
      const model = await this.send(process, 'load', params);
      if (this.supervisor.current !== process) throw new AppError('modelFailed', 'Another model was chosen meanwhile.');
      const running: Running = { process, model };
      process.watched = true;
      this.running = running;
      this.loaded = model;
      const author: Author = { kind, model: model.name };
      this.setStatus({ state: 'ready', name: model.name, author, detail: model.detail });
      return running;
    } catch (error) {
      // A checkpoint that cannot be loaded fails again. A process that crashed is restarted.
      if (this.supervisor.current === process && process.child.connected) {
        const message = error instanceof Error ? error.message : String(error);
        this.stop();
        this.setStatus({ state: 'failed', author: { kind: 'extractive' }, detail: message });
      }
      throw error;
    }
  }

  private listen(connection: MessageConnection): void {
    connection.onNotification('write/text', ({ id, text }: EngineNotifications['write/text']) =>
      this.listeners.get(id)?.text?.(text),
    );
    connection.onNotification('write/read', ({ id, read, total }: EngineNotifications['write/read']) =>
      this.listeners.get(id)?.tokens?.(read, total),
    );
    connection.onNotification('extend/progress', ({ id, done, total }: EngineNotifications['extend/progress']) =>
      this.listeners.get(id)?.trials?.(done, total),
    );
    connection.onNotification('compose/read', ({ id, reading }: EngineNotifications['compose/read']) =>
      this.listeners.get(id)?.read?.(reading),
    );
    connection.onNotification('load/progress', ({ share }: EngineNotifications['load/progress']) => {
      if (this.status.state !== 'loading' || !this.choice) return;
      const name = basename(this.choice.directory);
      const detail = l10n.t(
        'Preparing {0} for this machine: {1}%. Later starts skip this.',
        name,
        Math.round(share * 100),
      );
      this.setStatus({ ...this.status, detail });
    });
    connection.onNotification('memory', ({ residentBytes }: EngineNotifications['memory']) => {
      this.residentBytes = residentBytes;
    });
    connection.onNotification('log', ({ level, message }: EngineNotifications['log']) =>
      this.options.log(level, `model process: ${message}`),
    );
  }

  private async send<M extends keyof EngineRequests>(
    process: Supervised,
    method: M,
    params: EngineRequests[M][0],
    signal?: AbortSignal,
  ): Promise<EngineRequests[M][1]> {
    if (signal?.aborted) throw new DOMException('Cancelled.', 'AbortError');
    const source = new CancellationTokenSource();
    let patience: NodeJS.Timeout | undefined;
    const cancel = () => {
      source.cancel();
      patience = setTimeout(
        () => this.supervisor.kill(process, 'did not stop when it was asked to'),
        this.timing.cancelPatience,
      );
    };
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await whileAlive(
        process,
        () => process.connection.sendRequest<EngineRequests[M][1]>(method, params, source.token),
        () => new AppError('modelFailed', 'the model process ended'),
      );
    } catch (error) {
      if (!(error instanceof ResponseError)) throw error;
      const { code, hint } = (error.data ?? {}) as Partial<ErrorData>;
      throw new AppError(code ?? 'modelFailed', error.message, hint);
    } finally {
      clearTimeout(patience);
      signal?.removeEventListener('abort', cancel);
    }
  }

  private ended(how: string, verdict: Verdict): void {
    this.running = undefined;
    this.starting = undefined;
    if (this.closed || !this.choice) return;
    const author: Author = { kind: 'extractive' };
    if (!verdict.restart) {
      this.setStatus({
        state: 'failed',
        author,
        detail: l10n.t('The model process {0}, {1} times in a row.', how, verdict.ends),
      });
      return;
    }
    this.options.log('error', `The model process ${how} and restarts in ${verdict.delay} ms.`);
    this.setStatus({ state: 'loading', author, detail: l10n.t('The model process {0} and is restarting.', how) });
  }

  /** Wakes those who wait for quiet, and ends a process that has outgrown its limit. */
  private becameQuiet(): void {
    for (const wake of this.waitingForQuiet.splice(0)) wake();
    const { memoryLimitBytes = Infinity } = this.options;
    if (this.residentBytes > memoryLimitBytes)
      this.release(`holds ${formatBytes(this.residentBytes)}, above its limit of ${formatBytes(memoryLimitBytes)}`);
  }

  /** Ends an idle process. The model stays in use; the next request starts the process again. */
  private release(why: string): void {
    if (this.active > 0 || !this.running || this.status.state !== 'ready') return;
    this.options.log('debug', `The model process ${why}. It ends until the next request.`);
    this.stop();
  }

  private stop(): void {
    this.residentBytes = 0;
    this.running = undefined;
    this.starting = undefined;
    // A disconnected process ends by itself; one inside a long run is killed.
    void this.supervisor.stop();
  }

  private setStatus(status: ModelStatus): void {
    this.status = status;
    this.options.changed();
  }
}

const noModel = (): ModelStatus => ({
  state: 'none',
  author: { kind: 'extractive' },
  detail: l10n.t('No model is installed: answers quote the sources.'),
});
