import { Emitter, type Disposable, type MessageConnection } from 'vscode-jsonrpc/node';
import {
  PROTOCOL_VERSION,
  type ClientNotifications,
  type InitializeParams,
  type Requests,
  type WorkerNotifications,
} from '../protocol';
import { delay, Supervisor, TIMING as SUPERVISOR_TIMING, whileAlive, type Supervised, type Verdict } from '../rpc';
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
  ...SUPERVISOR_TIMING,
  /** A worker sends a heart-beat every two seconds; this long without one and it counts as hung. */
  silence: 15_000,
  start: 90_000,
  shutdown: 2_500,
};
/** Notifications kept for a worker that is starting. */
const MOST_UNTOLD = 2_000;

type NotificationHandlers = { [M in keyof WorkerNotifications]: Emitter<WorkerNotifications[M]> };

/**
 * Owns the worker process: starts it when it is needed, watches its heart-beat, starts it again with growing delays
 * when it dies, and lets it go when nobody has asked for a while. Knows nothing of VS Code, so it is tested without
 * one.
 */
export class WorkerClient implements Disposable {
  private session: Promise<Supervised> | undefined;
  /** The process once it has been initialized. */
  private ready: Supervised | undefined;
  /** Events that happened while no process could be told; sent once one can. */
  private untold: (() => void)[] = [];
  private disposed = false;
  private readonly supervisor: Supervisor;
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
    this.supervisor = new Supervisor({
      file: options.workerFile,
      name: 'worker',
      inspect: 'ANCHORAGE_INSPECT_WORKER',
      timing: this.timing,
      log: options.log,
      connect: (connection, session) => this.listen(connection, session),
      ended: (session, reason, verdict) => this.onEnded(session, reason, verdict),
      restart: () =>
        void this.start().catch((error: unknown) => this.options.log('error', `Restart: ${String(error)}`)),
      idleAfter: () => (options.isBusy() ? 0 : options.idleAfter()),
      idle: () => {
        this.options.log('info', 'No request for a while: the worker is put to sleep.');
        void this.stop();
      },
    });
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
    return this.supervisor.use(async () => {
      const session = await this.start();
      // Starting takes a while, in which the user may have changed their mind.
      if (token?.isCancellationRequested) throw new RequestFailed('cancelled', 'Cancelled.');
      return this.send(session, method, params, token);
    });
  }

  /**
   * Sends a notification to a running worker, and to one that is starting as soon as it can hear: its first look at the
   * workspace may be over by then. One that sleeps is not worth starting, for it begins by looking at everything.
   */
  notify<M extends keyof ClientNotifications>(method: M, params: ClientNotifications[M]): void {
    const session = this.ready;
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
    this.supervisor.touch();
    await this.start();
  }

  async restart(): Promise<void> {
    this.supervisor.forgive();
    await this.stop();
    await this.start();
  }

  /** Ends the process; the next request starts another. */
  async stop(): Promise<void> {
    this.supervisor.cancelRestart();
    const starting = this.session;
    this.session = undefined;
    if (!this.ready) await starting?.catch(() => undefined);
    this.ready = undefined;
    await this.supervisor.stop((session) => this.askToEnd(session));
    this.setState({ kind: 'asleep' });
  }

  dispose(): Promise<void> {
    this.disposed = true;
    this.supervisor.dispose();
    return this.stop();
  }

  private start(): Promise<Supervised> {
    if (this.disposed) return Promise.reject(new RequestFailed('workerDied', 'Anchorage is being shut down.'));
    this.session ??= this.launch().catch((error: unknown) => {
      this.session = undefined;
      throw error;
    });
    return this.session;
  }

  private async launch(): Promise<Supervised> {
    this.setState({ kind: 'starting' });
    const session = this.supervisor.launch();
    try {
      await this.initialize(session);
    } catch (error) {
      // onEnded meets a process that has ended; one that lives but cannot be used must not seem to start for ever.
      if (!session.closing && session.child.exitCode === null && session.child.signalCode === null) {
        void this.supervisor.stop((unusable) => this.askToEnd(unusable));
        this.setState({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) });
      }
      throw error;
    }
    this.ready = session;
    session.lastHeard = Date.now();
    session.watched = true;
    this.setState({ kind: 'running', pid: session.pid });
    for (const tell of this.untold.splice(0)) tell();
    this.started.fire();
    return session;
  }

  private async initialize(session: Supervised): Promise<void> {
    const params = await this.options.initializeParams();
    const timeout = delay(this.timing.start);
    const result = await Promise.race([this.send(session, 'initialize', params), timeout.passed]).finally(
      timeout.cancel,
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

  private listen(connection: MessageConnection, session: Supervised): void {
    const forward = <M extends keyof WorkerNotifications>(method: M): void => {
      connection.onNotification(method, (params: WorkerNotifications[M]) => {
        session.lastHeard = Date.now();
        this.handlers[method].fire(params);
      });
    };
    (Object.keys(this.handlers) as (keyof WorkerNotifications)[]).forEach(forward);
  }

  private async send<M extends keyof Requests>(
    session: Supervised,
    method: M,
    params: Requests[M][0],
    token?: Cancellation,
  ): Promise<Requests[M][1]> {
    try {
      return await whileAlive(
        session,
        () => session.connection.sendRequest<Requests[M][1]>(method, params, ...(token ? [token] : [])),
        (reason) =>
          new RequestFailed('workerDied', `The worker ${reason}.`, 'It is being started again; ask once more.'),
      );
    } catch (error) {
      throw toRequestFailed(error, token?.isCancellationRequested ?? false);
    }
  }

  private onEnded({ pid }: Supervised, reason: string, verdict: Verdict): void {
    this.ready = undefined;
    this.session = undefined;
    this.options.log('error', `The worker (process ${pid}) ${reason}.`);
    this.setState(
      verdict.restart
        ? { kind: 'waiting', delay: verdict.delay, reason: `The worker ${reason}.` }
        : { kind: 'failed', reason: `The worker ${reason}, ${verdict.ends} times in a row.` },
    );
  }

  /** Lets the worker close its store before the channel goes. */
  private async askToEnd(session: Supervised): Promise<void> {
    const timeout = delay(this.timing.shutdown);
    await Promise.race([this.send(session, 'shutdown', null), timeout.passed]).finally(timeout.cancel);
  }

  private setState(state: ClientState): void {
    this.state = state;
    if (!this.awake) this.untold = [];
    this.stateChanged.fire(state);
  }
}
