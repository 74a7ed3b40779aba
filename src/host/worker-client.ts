import * as l10n from '@vscode/l10n';
import { Emitter, type CancellationToken, type Disposable, type MessageConnection } from 'vscode-jsonrpc/node';
import {
  PROTOCOL_VERSION,
  type ClientNotifications,
  type ClientRequests,
  type InitializeParams,
  type Requests,
  type WorkerNotifications,
} from '../protocol';
import { delay, Supervisor, TIMING as SUPERVISOR_TIMING, whileAlive, type Supervised, type Verdict } from '../rpc';
import { RequestFailed, toRequestFailed } from './request-failed';

/** The state of the worker's client, for the status item. */
export type ClientState =
  /** No process. The next request starts one. */
  | { kind: 'asleep' }
  | { kind: 'starting' }
  | { kind: 'running'; pid: number }
  /** The process ended unexpectedly. It is restarted after `delay` milliseconds. */
  | { kind: 'waiting'; delay: number; reason: string }
  /** The process ended too often in a row. Only a request of the user restarts it. */
  | { kind: 'failed'; reason: string };

/** The used part of a cancellation token, common to VS Code and vscode-jsonrpc. */
export interface Cancellation {
  readonly isCancellationRequested: boolean;
  readonly onCancellationRequested: (listener: (event: unknown) => unknown) => { dispose(): unknown };
}

export interface WorkerClientOptions {
  /** Absolute path of the worker's bundle. */
  workerFile: string;
  initializeParams: () => Promise<InitializeParams>;
  log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => void;
  /** True while the worker indexes or encodes. The idle timeout does not stop it then. */
  isBusy: () => boolean;
  /** Milliseconds without a request after which the process is stopped; 0 for never. Read at each check. */
  idleAfter: () => number;
  timing?: Partial<typeof TIMING>;
}

/** Time limits in milliseconds. */
const TIMING = {
  ...SUPERVISOR_TIMING,
  /** A worker beats every second, from a thread. After this time without a beat or message it counts as hung. */
  silence: 15_000,
  /** A worker whose event loop is held this long, in processor time, counts as hung too. */
  busy: 60_000,
  start: 90_000,
  shutdown: 2_500,
};
/** Maximum number of notifications queued for a starting worker. */
const MOST_UNTOLD = 2_000;

/** Requests that change nothing, so that they can be sent again. */
const REPEATED: ReadonlySet<keyof Requests> = new Set<keyof Requests>([
  'ask',
  'search',
  'summarize',
  'explain',
  'hover',
  'related',
  'history/lines',
  'history/commit',
  'index/why',
  'document/text',
  'citation/locate',
]);

/** Writes for the worker with a model of the editor. */
type ServeWriter = (
  params: ClientRequests['writer/write'][0],
  token: CancellationToken,
) => Promise<ClientRequests['writer/write'][1]>;

type NotificationHandlers = { [M in keyof WorkerNotifications]: Emitter<WorkerNotifications[M]> };

/**
 * Owns the worker process: starts it on demand, watches its heartbeat, restarts it with growing delays after a crash,
 * and stops it when idle. It does not depend on VS Code, so it can be tested without it.
 */
export class WorkerClient implements Disposable {
  private session: Promise<Supervised> | undefined;
  /** The initialized process. */
  private ready: Supervised | undefined;
  /** Notifications queued while the process starts or restarts. */
  private untold: (() => void)[] = [];
  private disposed = false;
  private readonly supervisor: Supervisor;
  private readonly timing: typeof TIMING;
  private readonly stateChanged = new Emitter<ClientState>();
  private readonly started = new Emitter<void>();
  private readonly handlers: NotificationHandlers = {
    'answer/event': new Emitter(),
    'chat/text': new Emitter(),
    'work/progress': new Emitter(),
    'index/status': new Emitter(),
    log: new Emitter(),
    heartbeat: new Emitter(),
  };

  private readonly writers = new Map<string, ServeWriter>();

  /** The current state. `onState` reports changes. */
  state: ClientState = { kind: 'asleep' };
  readonly onState = this.stateChanged.event;
  /** Fires when a process has been initialized. Listeners send it the editor's state. */
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
        this.options.log('info', 'The idle worker is stopped.');
        void this.stop();
      },
    });
  }

  on<M extends keyof WorkerNotifications>(method: M, listener: (params: WorkerNotifications[M]) => void): Disposable {
    return this.handlers[method].event(listener);
  }

  /** Answers the worker's requests to write for the question `id`, until the result is disposed. */
  serveWriter(id: string, write: ServeWriter): Disposable {
    this.writers.set(id, write);
    return { dispose: () => void this.writers.delete(id) };
  }

  get running(): boolean {
    return this.state.kind === 'running';
  }

  /** True if a worker runs or starts, so it needs notifications. */
  get awake(): boolean {
    return this.running || this.state.kind === 'starting' || this.state.kind === 'waiting';
  }

  /**
   * Sends a request. Starts the worker if necessary. A question whose worker dies is sent once more, to another one.
   * @throws RequestFailed with the worker's code, `cancelled`, or `workerDied` if the process ended in the meantime
   */
  async request<M extends keyof Requests>(
    method: M,
    params: Requests[M][0],
    token?: Cancellation,
  ): Promise<Requests[M][1]> {
    if (token?.isCancellationRequested) throw new RequestFailed('cancelled', 'Cancelled.');
    return this.supervisor.use(async () => {
      for (let again = REPEATED.has(method); ; again = false) {
        const session = await this.start();
        // The user may have cancelled while the worker started.
        if (token?.isCancellationRequested) throw new RequestFailed('cancelled', 'Cancelled.');
        try {
          return await this.send(session, method, params, token);
        } catch (error) {
          const died = error instanceof RequestFailed && error.code === 'workerDied' && !session.closing;
          if (!again || !died || this.disposed) throw error;
          this.options.log('warn', `${method} is sent again, to another worker.`);
        }
      }
    });
  }

  /**
   * Sends a notification to a running worker, and queues it for a starting one, whose first pass may already have read
   * the file. Without a worker it is dropped, because a new worker reads the whole workspace.
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

  /** Starts the worker without a request. */
  async wake(): Promise<void> {
    this.supervisor.touch();
    await this.start();
  }

  async restart(): Promise<void> {
    this.supervisor.forgive();
    await this.stop();
    await this.start();
  }

  /** Stops the process. The next request starts another. */
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
      // onEnded handles a process that has ended. This handles one that runs but cannot be used, so that the state does
      // not stay "starting".
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
      throw new RequestFailed(
        'workerDied',
        l10n.t('The index worker did not start in time.'),
        l10n.t('See the log for details.'),
      );
    if (result.protocolVersion !== PROTOCOL_VERSION) {
      throw new RequestFailed(
        'internal',
        l10n.t(
          'The worker uses protocol version {0}, the extension version {1}.',
          result.protocolVersion,
          PROTOCOL_VERSION,
        ),
        l10n.t('Reinstall the extension.'),
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
    connection.onRequest('writer/write', (params: ClientRequests['writer/write'][0], token: CancellationToken) => {
      const write = this.writers.get(params.id);
      if (!write) throw new Error('The question is not asked any more.');
      return write(params, token);
    });
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
          new RequestFailed(
            'workerDied',
            l10n.t('The index worker {0}.', reason),
            l10n.t('It is restarting. Try again.'),
          ),
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
        ? { kind: 'waiting', delay: verdict.delay, reason: l10n.t('The index worker {0}.', reason) }
        : { kind: 'failed', reason: l10n.t('The index worker {0}, {1} times in a row.', reason, verdict.ends) },
    );
  }

  /** Lets the worker close its store before the channel closes. */
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
