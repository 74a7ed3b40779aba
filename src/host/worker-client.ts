import { fork, type ChildProcess } from 'node:child_process';
import {
  createMessageConnection,
  Emitter,
  IPCMessageReader,
  IPCMessageWriter,
  type Disposable,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import {
  PROTOCOL_VERSION,
  type ClientNotifications,
  type InitializeParams,
  type Requests,
  type WorkerNotifications,
} from '../protocol';
import { inspectorFlags } from '../rpc/inspector';
import { RequestFailed, toRequestFailed } from './request-failed';

/** What the client of the worker is doing, as the status item shows it. */
export type ClientState =
  /** No process; the next request starts one. */
  | { kind: 'asleep' }
  | { kind: 'starting' }
  | { kind: 'running'; pid: number }
  /** It ended by itself and is started again after `delay` milliseconds. */
  | { kind: 'waiting'; delay: number; reason: string }
  /** It ended too often in a row; only a request of the user starts it again. */
  | { kind: 'failed'; reason: string };

/** The part of a cancellation token that is needed; VS Code's and vscode-jsonrpc's both have it. */
export interface Cancellation {
  readonly isCancellationRequested: boolean;
  readonly onCancellationRequested: (listener: (event: unknown) => unknown) => { dispose(): unknown };
}

export interface WorkerClientOptions {
  /** Absolute path of the worker's bundle. */
  workerFile: string;
  initializeParams: () => Promise<InitializeParams>;
  log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
  /** True while the worker has work of its own to do (indexing), so that it is not put to sleep. */
  isBusy: () => boolean;
  /** Milliseconds without a request after which the process is ended; 0 for never. Read each time it is needed. */
  idleAfter: () => number;
  timing?: Partial<typeof TIMING>;
}

/** Milliseconds. */
const TIMING = {
  /** A worker sends a heart-beat every two seconds; this long without one and it is taken for hung. */
  silence: 15_000,
  start: 90_000,
  shutdown: 2_500,
  firstDelay: 500,
  longestDelay: 30_000,
  /** Having run this long, an end is no longer one of a row of failures. */
  healthy: 60_000,
  tick: 1_000,
};
const FAILURES_IN_A_ROW = 5;
/** Notifications kept for a worker that is starting. */
const MOST_UNTOLD = 2_000;

interface Session {
  child: ChildProcess;
  connection: MessageConnection;
  pid: number;
  startedAt: number;
  lastHeartbeat: number;
  /** Resolves with the reason when the process has ended, whoever ended it. */
  ended: Promise<string>;
  /** Set once we have asked it to end. */
  closing: boolean;
}

type NotificationHandlers = { [M in keyof WorkerNotifications]: Emitter<WorkerNotifications[M]> };

/**
 * Owns the worker process: starts it when it is needed, watches its heart-beat, starts it again with growing delays
 * when it dies, and lets it go when nobody has asked for a while. Knows nothing of VS Code, so it is tested without
 * one.
 */
export class WorkerClient implements Disposable {
  private session: Promise<Session> | undefined;
  private current: Session | undefined;
  private pendingRequests = 0;
  private lastUse = Date.now();
  private failuresInARow = 0;
  /** What happened while no process could be told; sent once one can. */
  private untold: (() => void)[] = [];
  private restartTimer: NodeJS.Timeout | undefined;
  private lastTick = Date.now();
  private disposed = false;
  private readonly ticker: NodeJS.Timeout;
  private readonly timing: typeof TIMING;
  private readonly stateChanged = new Emitter<ClientState>();
  private readonly started = new Emitter<void>();
  private readonly handlers: NotificationHandlers = {
    'answer/event': new Emitter(),
    'work/progress': new Emitter(),
    'index/status': new Emitter(),
    log: new Emitter(),
    heartbeat: new Emitter(),
  };

  /** The latest state; `onState` tells of changes. */
  state: ClientState = { kind: 'asleep' };
  readonly onState = this.stateChanged.event;
  /** Each time a process has been initialized: what it must know of the editor is sent again. */
  readonly onStarted = this.started.event;

  constructor(private readonly options: WorkerClientOptions) {
    this.timing = { ...TIMING, ...options.timing };
    this.ticker = setInterval(() => this.tick(), this.timing.tick);
    this.ticker.unref();
  }

  on<M extends keyof WorkerNotifications>(method: M, listener: (params: WorkerNotifications[M]) => void): Disposable {
    return this.handlers[method].event(listener);
  }

  get running(): boolean {
    return this.state.kind === 'running';
  }

  /** Whether there is a worker, or one is on its way: it wants to know what happens. */
  get awake(): boolean {
    return this.running || this.state.kind === 'starting' || this.state.kind === 'waiting';
  }

  /**
   * Sends a request, starting the worker if there is none.
   * @throws RequestFailed with the worker's code, `cancelled`, or `workerDied` when the process ended meanwhile.
   */
  async request<M extends keyof Requests>(
    method: M,
    params: Requests[M][0],
    token?: Cancellation,
  ): Promise<Requests[M][1]> {
    if (token?.isCancellationRequested) throw new RequestFailed('cancelled', 'Cancelled.');
    this.pendingRequests++;
    this.lastUse = Date.now();
    try {
      const session = await this.start();
      // Starting takes a while, in which the user may have changed their mind.
      if (token?.isCancellationRequested) throw new RequestFailed('cancelled', 'Cancelled.');
      return await this.send(session, method, params, token);
    } finally {
      this.pendingRequests--;
      this.lastUse = Date.now();
    }
  }

  /**
   * Sends a notification to a running worker, and to one that is starting as soon as it can hear: its first look at the
   * workspace may be over by then. One that sleeps is not worth starting, for it begins by looking at everything.
   */
  notify<M extends keyof ClientNotifications>(method: M, params: ClientNotifications[M]): void {
    const session = this.current;
    if (!session || session.closing) {
      if (this.awake && this.untold.length < MOST_UNTOLD) this.untold.push(() => this.notify(method, params));
      return;
    }
    session.connection
      .sendNotification(method, params)
      .catch((error: unknown) => this.options.log('warn', `${method} was not delivered: ${String(error)}`));
  }

  /** Starts the worker without asking it anything. */
  async wake(): Promise<void> {
    this.lastUse = Date.now();
    await this.start();
  }

  async restart(): Promise<void> {
    this.failuresInARow = 0;
    await this.stop();
    await this.start();
  }

  /** Ends the process; the next request starts another. */
  async stop(): Promise<void> {
    clearTimeout(this.restartTimer);
    const starting = this.session;
    this.session = undefined;
    const session = this.current ?? (await starting?.catch(() => undefined));
    if (session) await this.close(session);
    this.setState({ kind: 'asleep' });
  }

  dispose(): Promise<void> {
    this.disposed = true;
    clearInterval(this.ticker);
    return this.stop();
  }

  private start(): Promise<Session> {
    if (this.disposed) return Promise.reject(new RequestFailed('workerDied', 'Anchorage is being shut down.'));
    clearTimeout(this.restartTimer);
    this.session ??= this.launch().catch((error: unknown) => {
      this.session = undefined;
      throw error;
    });
    return this.session;
  }

  private async launch(): Promise<Session> {
    this.setState({ kind: 'starting' });
    const child = fork(this.options.workerFile, [], {
      serialization: 'advanced',
      // The editor's own flags (inspector, snapshots) are not the worker's.
      execArgv: inspectorFlags('ANCHORAGE_INSPECT_WORKER'),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.logOutput(child);
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : `ended with exit code ${code}`));
    });
    const connection = createMessageConnection(new IPCMessageReader(child), new IPCMessageWriter(child));
    const session: Session = {
      child,
      connection,
      pid: child.pid ?? 0,
      startedAt: Date.now(),
      lastHeartbeat: Date.now(),
      ended,
      closing: false,
    };
    this.listen(session);
    void ended.then((reason) => this.onEnded(session, reason));
    try {
      await this.initialize(session);
    } catch (error) {
      // A process that has ended is met by onEnded; one that lives but cannot be used would seem to be starting for
      // ever.
      if (!session.closing && child.exitCode === null && child.signalCode === null) {
        void this.close(session);
        this.setState({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
      }
      throw error;
    }
    this.current = session;
    this.setState({ kind: 'running', pid: session.pid });
    for (const tell of this.untold.splice(0)) tell();
    this.started.fire();
    return session;
  }

  private async initialize(session: Session): Promise<void> {
    const params = await this.options.initializeParams();
    const timeout = timer(this.timing.start);
    const result = await Promise.race([this.send(session, 'initialize', params), timeout.elapsed]).finally(
      timeout.clear,
    );
    if (result === undefined)
      throw new RequestFailed('workerDied', 'The worker did not start in time.', 'See the log for what it was doing.');
    if (result.protocolVersion !== PROTOCOL_VERSION) {
      throw new RequestFailed(
        'internal',
        `The worker speaks version ${result.protocolVersion} of the protocol, the extension ${PROTOCOL_VERSION}.`,
        'Install the extension again.',
      );
    }
  }

  private listen(session: Session): void {
    const { connection } = session;
    const forward = <M extends keyof WorkerNotifications>(method: M): void => {
      connection.onNotification(method, (params: WorkerNotifications[M]) => {
        session.lastHeartbeat = Date.now();
        this.handlers[method].fire(params);
      });
    };
    (Object.keys(this.handlers) as (keyof WorkerNotifications)[]).forEach(forward);
    connection.onError(([error]) => this.options.log('warn', `Connection to the worker: ${error.message}`));
    connection.listen();
  }

  private async send<M extends keyof Requests>(
    session: Session,
    method: M,
    params: Requests[M][0],
    token?: Cancellation,
  ): Promise<Requests[M][1]> {
    const died = session.ended.then((reason): never => {
      throw new RequestFailed('workerDied', `The worker ${reason}.`, 'It is being started again; ask once more.');
    });
    // A connection that is closed throws at once instead of rejecting.
    const answer = (async () =>
      session.connection.sendRequest<Requests[M][1]>(method, params, ...(token ? [token] : [])))();
    try {
      // What loses the race has a handler all the same: its rejection is nobody's business any more.
      return await Promise.race([answer, died]);
    } catch (error) {
      throw toRequestFailed(error, token?.isCancellationRequested ?? false);
    }
  }

  private onEnded(session: Session, reason: string): void {
    session.connection.dispose();
    if (this.current === session) this.current = undefined;
    if (session.closing || this.disposed) return;
    this.session = undefined;
    this.options.log('error', `The worker (process ${session.pid}) ${reason}.`);
    this.failuresInARow = Date.now() - session.startedAt > this.timing.healthy ? 1 : this.failuresInARow + 1;
    if (this.failuresInARow >= FAILURES_IN_A_ROW) {
      this.setState({ kind: 'failed', reason: `The worker ${reason}, ${this.failuresInARow} times in a row.` });
      return;
    }
    const delay = Math.min(this.timing.longestDelay, this.timing.firstDelay * 2 ** (this.failuresInARow - 1));
    this.setState({ kind: 'waiting', delay, reason: `The worker ${reason}.` });
    this.restartTimer = setTimeout(() => {
      this.start().catch((error: unknown) => this.options.log('error', `Restart: ${String(error)}`));
    }, delay);
    this.restartTimer.unref();
  }

  private async close(session: Session): Promise<void> {
    session.closing = true;
    if (this.current === session) this.current = undefined;
    const timeout = timer(this.timing.shutdown);
    await Promise.race([this.send(session, 'shutdown', null).catch(() => undefined), timeout.elapsed]).finally(
      timeout.clear,
    );
    if (session.child.connected) session.child.disconnect();
    // The worker closes its store when the channel goes.
    const last = timer(2_500);
    const gentle = await Promise.race([session.ended, last.elapsed]).finally(last.clear);
    if (gentle === undefined) session.child.kill('SIGKILL');
    session.connection.dispose();
  }

  /** Once a second: a hung worker is ended (and so restarted), an idle one is put to sleep. */
  private tick(): void {
    const now = Date.now();
    // After a suspended machine or a blocked loop the silence is ours, not the worker's.
    const wasAway = now - this.lastTick > 3 * this.timing.tick;
    this.lastTick = now;
    const session = this.current;
    if (!session || session.closing) return;
    // A worker that waits at a breakpoint is silent too.
    if (wasAway || inspectorFlags('ANCHORAGE_INSPECT_WORKER').length > 0) {
      session.lastHeartbeat = now;
      if (wasAway) return;
    }
    if (now - session.lastHeartbeat > this.timing.silence) {
      this.options.log(
        'error',
        `The worker has been silent for ${Math.round((now - session.lastHeartbeat) / 1000)} s; ending it.`,
      );
      session.child.kill('SIGKILL');
      return;
    }
    const idleAfter = this.options.idleAfter();
    if (idleAfter > 0 && this.pendingRequests === 0 && now - this.lastUse > idleAfter && !this.options.isBusy()) {
      this.options.log('info', 'Nobody has asked for a while: the worker is put to sleep.');
      void this.stop();
    }
  }

  private logOutput(child: ChildProcess): void {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.options.log('debug', text.trimEnd()));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.options.log('warn', text.trimEnd()));
  }

  private setState(state: ClientState): void {
    this.state = state;
    if (!this.awake) this.untold = [];
    this.stateChanged.fire(state);
  }
}

function timer(milliseconds: number): { elapsed: Promise<undefined>; clear: () => void } {
  let handle: NodeJS.Timeout;
  const elapsed = new Promise<undefined>((resolve) => {
    handle = setTimeout(() => resolve(undefined), milliseconds);
  });
  return { elapsed, clear: () => clearTimeout(handle) };
}
