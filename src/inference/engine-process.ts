/**
 * Owner of one engine process. ONNX Runtime's runs are synchronous and a fault in it is fatal, so it has a process of
 * its own: search goes on during a run, and when it dies the worker lives. It is started when a model is set, started
 * again with growing delays when it ends, and given up after several ends in a row; the answer then quotes the sources.
 * A process that nobody has asked anything for a while, or that has grown beyond its memory, is ended and comes back
 * with the next request.
 */
import type {
  Author,
  ChatMessage,
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
import { fork, type ChildProcess } from 'node:child_process';
import { basename } from 'node:path';
import {
  createMessageConnection,
  IPCMessageReader,
  IPCMessageWriter,
  type MessageConnection,
  CancellationTokenSource,
  ResponseError,
} from 'vscode-jsonrpc/node';
import { inspectorFlags } from '../rpc/inspector';
import { AppError, ExclusiveQueue, type WorkClass } from '../base';

export interface EngineOptions {
  /** Absolute path of engine-child.js. */
  file: string;
  log: (level: EngineNotifications['log']['level'], message: string) => void;
  /** The state has changed; `status` has it. */
  changed: () => void;
  /** Resident bytes that the process may have when it has nothing to do; it is ended beyond them. Default: no limit. */
  memoryLimitBytes?: number;
  /** Milliseconds; tests shorten them. */
  timing?: Partial<typeof TIMING>;
}

const TIMING = {
  firstDelay: 500,
  longestDelay: 30_000,
  /** Having run this long, an end is not one of a row. */
  healthy: 60_000,
  /** A cancelled answer ends within a chunk; a process that does not is hung. */
  cancelPatience: 15_000,
  /** Without a request for so long, the process is ended: its memory is of more use to others. */
  idle: 600_000,
};
const ENDS_IN_A_ROW = 4;

export interface ModelChoice extends LoadParams {
  kind: 'bundled' | 'chosen';
}

interface Running {
  child: ChildProcess;
  connection: MessageConnection;
  model: LoadedModel;
  startedAt: number;
}

/** Told of what a request in progress has done so far. */
export interface EngineListener {
  text?: ((text: string) => void) | undefined;
  read?: ((reading: ComposeReading) => void) | undefined;
}

export class EngineProcess {
  status: ModelStatus = NO_MODEL;
  private choice: ModelChoice | undefined;
  private starting: Promise<Running> | undefined;
  private running: Running | undefined;
  /**
   * The model that was loaded last; it is there again with the next request when its process has been ended for quiet.
   */
  private loaded: LoadedModel | undefined;
  private child: ChildProcess | undefined;
  private restart: NodeJS.Timeout | undefined;
  private sleep: NodeJS.Timeout | undefined;
  private active = 0;
  /** As the process said after its last request. */
  private residentBytes = 0;
  private waitingForQuiet: (() => void)[] = [];
  private endsInARow = 0;
  private nextListener = 1;
  private closed = false;
  private readonly queue = new ExclusiveQueue();
  private readonly listeners = new Map<number, EngineListener>();
  private readonly timing: typeof TIMING;

  constructor(private readonly options: EngineOptions) {
    this.timing = { ...TIMING, ...options.timing };
  }

  /** Takes another model, or none. Resolves once it is loaded or has failed; `status` says which. */
  async choose(choice: ModelChoice | undefined): Promise<void> {
    if (JSON.stringify(choice) === JSON.stringify(this.choice)) return;
    this.stop();
    this.choice = choice;
    this.loaded = undefined;
    this.endsInARow = 0;
    if (!choice) return this.setStatus(NO_MODEL);
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
    this.stop();
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  async request<M extends keyof EngineRequests>(
    method: M,
    params: EngineRequests[M][0],
    signal?: AbortSignal,
  ): Promise<EngineRequests[M][1]> {
    clearTimeout(this.sleep);
    this.active += 1;
    try {
      const running = await this.start();
      return await this.send(running.child, running.connection, method, params, signal);
    } finally {
      this.active -= 1;
      if (this.active === 0) this.rest();
    }
  }

  /** The model in use, whether its process runs or rests; nothing while none is loaded. */
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

  /** A request that runs the model, in its turn. */
  inTurn<M extends keyof EngineRequests>(
    kind: WorkClass,
    method: M,
    params: EngineRequests[M][0],
    signal?: AbortSignal,
  ): Promise<EngineRequests[M][1]> {
    return this.queue.run(kind, () => this.request(method, params, signal), signal);
  }

  /** The same, for a request that tells what it does under an id. */
  heard<M extends 'write' | 'compose'>(
    kind: WorkClass,
    method: M,
    params: Omit<EngineRequests[M][0], 'id'>,
    listener: EngineListener,
    signal?: AbortSignal,
  ): Promise<EngineRequests[M][1]> {
    const id = this.nextListener++;
    this.listeners.set(id, listener);
    const request = { ...params, id } as EngineRequests[M][0];
    return this.inTurn(kind, method, request, signal).finally(() => this.listeners.delete(id));
  }

  private start(): Promise<Running> {
    if (!this.choice || this.closed) return Promise.reject(new AppError('modelFailed', 'No model is loaded.'));
    if (this.status.state === 'failed' && !this.starting)
      return Promise.reject(new AppError('modelFailed', this.status.detail));
    clearTimeout(this.restart);
    this.starting ??= this.launch(this.choice);
    return this.starting;
  }

  private async launch(choice: ModelChoice): Promise<Running> {
    const { kind, ...params } = choice;
    this.setStatus({
      state: 'loading',
      author: { kind: 'extractive' },
      detail: `It is being loaded: ${basename(choice.directory)}.`,
    });
    const child = fork(this.options.file, [], {
      serialization: 'advanced',
      execArgv: inspectorFlags('ANCHORAGE_INSPECT_INFERENCE'),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.child = child;
    child.stdout
      ?.setEncoding('utf8')
      .on('data', (text: string) => this.options.log('debug', `engine: ${text.trimEnd()}`));
    child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => this.options.log('warn', `engine: ${text.trimEnd()}`));
    const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
    connection.onNotification('write/text', ({ id, text }: EngineNotifications['write/text']) =>
      this.listeners.get(id)?.text?.(text),
    );
    connection.onNotification('compose/read', ({ id, reading }: EngineNotifications['compose/read']) =>
      this.listeners.get(id)?.read?.(reading),
    );
    connection.onNotification('memory', ({ residentBytes }: EngineNotifications['memory']) => {
      this.residentBytes = residentBytes;
    });
    connection.onNotification('log', ({ level, message }: EngineNotifications['log']) =>
      this.options.log(level, `engine: ${message}`),
    );
    connection.onError(([error]) => this.options.log('warn', `engine connection: ${error.message}`));
    connection.listen();
    const startedAt = Date.now();
    child.once('exit', (code, signal) =>
      this.ended(child, connection, startedAt, signal ? `was ended by ${signal}` : `ended with exit code ${code}`),
    );
    child.once('error', (error) => this.options.log('error', `engine process: ${error.message}`));
    try {
      const model = await this.send(child, connection, 'load', params);
      const running: Running = { child, connection, model, startedAt };
      if (this.child !== child) throw new AppError('modelFailed', 'Another model was chosen meanwhile.');
      this.running = running;
      this.loaded = model;
      const author: Author = { kind, model: model.name };
      this.setStatus({ state: 'ready', name: model.name, author, detail: model.detail });
      return running;
    } catch (error) {
      if (this.child === child) {
        // A checkpoint that cannot be loaded fails the same way again; the process that died may do better.
        const message = error instanceof Error ? error.message : String(error);
        if (child.connected) {
          this.stop();
          this.setStatus({ state: 'failed', author: { kind: 'extractive' }, detail: message });
        }
      }
      throw error;
    }
  }

  private async send<M extends keyof EngineRequests>(
    child: ChildProcess,
    connection: MessageConnection,
    method: M,
    params: EngineRequests[M][0],
    signal?: AbortSignal,
  ): Promise<EngineRequests[M][1]> {
    const source = new CancellationTokenSource();
    let patience: NodeJS.Timeout | undefined;
    const cancel = () => {
      source.cancel();
      patience = setTimeout(() => {
        this.options.log('error', 'The engine did not stop when it was asked to; ending it.');
        child.kill('SIGKILL');
      }, this.timing.cancelPatience);
    };
    if (signal?.aborted) throw new DOMException('Cancelled.', 'AbortError');
    signal?.addEventListener('abort', cancel, { once: true });
    let died: (() => void) | undefined;
    const death = new Promise<never>((_, reject) => {
      died = () => reject(new AppError('modelFailed', 'the model process ended'));
      child.once('exit', died);
    });
    const answer = connection.sendRequest<EngineRequests[M][1]>(method, params, source.token);
    try {
      return await Promise.race([answer, death]);
    } catch (error) {
      answer.catch(() => {});
      throw error instanceof ResponseError
        ? new AppError(
            (error.data as ErrorData | undefined)?.code ?? 'modelFailed',
            error.message,
            (error.data as ErrorData | undefined)?.hint,
          )
        : error;
    } finally {
      clearTimeout(patience);
      signal?.removeEventListener('abort', cancel);
      if (died) child.removeListener('exit', died);
      death.catch(() => {});
    }
  }

  private ended(child: ChildProcess, connection: MessageConnection, startedAt: number, how: string): void {
    // After those who wait for this process have heard of its end in our words.
    setImmediate(() => connection.dispose());
    if (this.child !== child) return;
    this.running = undefined;
    this.starting = undefined;
    this.child = undefined;
    if (this.closed || !this.choice) return;
    this.endsInARow = Date.now() - startedAt > this.timing.healthy ? 1 : this.endsInARow + 1;
    const author: Author = { kind: 'extractive' };
    if (this.endsInARow >= ENDS_IN_A_ROW) {
      this.setStatus({
        state: 'failed',
        author,
        detail: `The model process ${how}, ${this.endsInARow} times in a row.`,
      });
      return;
    }
    const delay = Math.min(this.timing.longestDelay, this.timing.firstDelay * 2 ** (this.endsInARow - 1));
    this.options.log('error', `The model process ${how}; starting it again in ${delay} ms.`);
    this.setStatus({ state: 'loading', author, detail: `The model process ${how} and is being started again.` });
    this.restart = setTimeout(() => void this.start().catch(() => {}), delay);
  }

  /**
   * Nothing is in progress: whoever waited for that goes on, and a process that stays unused or has grown too large is
   * ended.
   */
  private rest(): void {
    for (const wake of this.waitingForQuiet.splice(0)) wake();
    clearTimeout(this.sleep);
    const { memoryLimitBytes = Infinity } = this.options;
    if (this.residentBytes > memoryLimitBytes)
      return this.release(
        `holds ${Math.round(this.residentBytes / 1e6)} MB, more than the ${Math.round(memoryLimitBytes / 1e6)} it may`,
      );
    this.sleep = setTimeout(() => this.release('has had nothing to do'), this.timing.idle);
    this.sleep.unref();
  }

  /**
   * Ends the process while it has nothing to do; the model stays in use and its process comes back with the next
   * request.
   */
  private release(why: string): void {
    if (this.active > 0 || !this.running || this.status.state !== 'ready') return;
    this.options.log('debug', `The model process ${why}; it is ended until it is needed.`);
    this.stop();
  }

  private stop(): void {
    clearTimeout(this.restart);
    clearTimeout(this.sleep);
    const { child } = this;
    this.residentBytes = 0;
    this.child = undefined;
    this.running = undefined;
    this.starting = undefined;
    // A disconnected child ends by itself; one inside a long run is not waited for.
    if (child?.connected) child.disconnect();
    if (child && child.exitCode === null)
      setTimeout(() => child.exitCode === null && child.kill('SIGKILL'), 2_000).unref();
  }

  private setStatus(status: ModelStatus): void {
    this.status = status;
    this.options.changed();
  }
}

const NO_MODEL: ModelStatus = {
  state: 'none',
  author: { kind: 'extractive' },
  detail: 'No model is installed: answers quote the sources.',
};

class EngineWriter implements Writer {
  readonly contextTokens: number;
  readonly bytesPerRow: number;
  readonly anchorTokens?: number;

  constructor(
    readonly author: Author,
    model: LoadedModel,
    private readonly kind: WorkClass,
    private readonly engine: EngineProcess,
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
    return this.engine.heard(
      this.kind,
      'write',
      { chat, maxNewTokens, ...(quotes ? { quotes } : {}), ...(anchors ? { anchors } : {}) },
      { text: onText },
      signal,
    );
  }
}
