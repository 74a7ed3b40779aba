/** The connection to the worker that answers: the one that the workspace's processes share, or an own one. */
import { fork } from 'node:child_process';
import { CancellationTokenSource, ErrorCodes, type MessageConnection, ResponseError } from 'vscode-jsonrpc/node';
import { version } from '../../package.json';
import { AppError, messageOf } from '../base';
import type { AnswerEvent, ErrorData, IndexStatus, InitializeParams, Requests, WorkerNotifications } from '../protocol';
import { connectShared, inspectorFlags, ipcConnection, privateSocket, socketConnection } from '../rpc';

/** Workers that one request may lose. All requests of agents only read, so they are sent again. */
const MOST_LOST = 3;
/** Longest time (ms) that a shared worker may take to open the workspace; another process may index it meanwhile. */
const OPENING_MS = 120_000;

/** Listeners to the progress of one request. */
export interface Watch {
  progress?: (fraction: number, message: string) => void;
  event?: (event: AnswerEvent) => void;
}

/** Sends a request to the worker. @throws AppError */
export type Ask = <M extends keyof Requests>(
  method: M,
  params: Requests[M][0],
  watch?: Watch,
) => Promise<Requests[M][1]>;

interface Connected {
  connection: MessageConnection;
  /** Resolves when the worker or the connection to it has ended. */
  lost: Promise<void>;
  end: () => void;
}

/** Codes of a request that did not reach the worker, or whose answer did not come. */
const TRANSPORT: ReadonlySet<number> = new Set([
  ErrorCodes.MessageWriteError,
  ErrorCodes.MessageReadError,
  ErrorCodes.PendingResponseRejected,
  ErrorCodes.ConnectionInactive,
]);

const LOST = Symbol('lost');
const OPENED = Symbol('opened');

/** The worker ended before it opened the workspace. */
class EndedError extends Error {}

export class WorkerLink {
  private opening: Promise<Connected> | undefined;
  private ended = false;
  private readonly watches = new Map<string, Watch>();
  private readonly statuses = new Set<(status: IndexStatus) => void>();

  /** @param workerFile absolute path of the worker's bundle */
  constructor(
    private readonly workerFile: string,
    private readonly params: InitializeParams,
    private readonly log: (level: WorkerNotifications['log']['level'], message: string) => void,
  ) {}

  /** Calls `listener` with each status of the index. Returns a function that unsubscribes. */
  onStatus(listener: (status: IndexStatus) => void): () => void {
    this.statuses.add(listener);
    return () => void this.statuses.delete(listener);
  }

  /** Sends a request; again, to another worker, when this one ends before its answer. @throws AppError */
  async request<M extends keyof Requests>(
    method: M,
    params: Requests[M][0],
    signal: AbortSignal,
    watch?: Watch,
  ): Promise<Requests[M][1]> {
    const id = (params as { id?: string } | null)?.id;
    if (watch && id !== undefined) this.watches.set(id, watch);
    const source = new CancellationTokenSource();
    const cancel = (): void => source.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      for (let tries = 1; ; tries++) {
        signal.throwIfAborted();
        const answer = await this.send(await this.connected(), method, params, source);
        if (answer !== LOST) return answer;
        if (this.ended || tries === MOST_LOST) throw new AppError('internal', 'The worker ended. Try again.');
        this.log('warn', `${method} is sent again, to another worker.`);
      }
    } finally {
      signal.removeEventListener('abort', cancel);
      if (id !== undefined) this.watches.delete(id);
    }
  }

  /** Leaves the worker. A shared one ends by itself some time after its last client. */
  async close(): Promise<void> {
    this.ended = true;
    const connected = await this.opening?.catch(() => undefined);
    connected?.end();
  }

  private async send<M extends keyof Requests>(
    { connection, lost, end }: Connected,
    method: M,
    params: Requests[M][0],
    { token }: CancellationTokenSource,
  ): Promise<Requests[M][1] | typeof LOST> {
    try {
      const sent = connection.sendRequest<Requests[M][1]>(method, params, token);
      return await Promise.race([sent, lost.then((): typeof LOST => LOST)]);
    } catch (error) {
      thrown(error);
      // The worker has ended, and the request noticed it first.
      end();
      await lost;
      return LOST;
    }
  }

  private async connected(): Promise<Connected> {
    if (this.ended) throw new AppError('cancelled', 'The server is closing.');
    const opening = (this.opening ??= this.open());
    const forget = (): void => {
      if (this.opening === opening) this.opening = undefined;
    };
    try {
      const connected = await opening;
      void connected.lost.then(forget);
      return connected;
    } catch (error) {
      // The next request tries again.
      forget();
      throw toAppError(error);
    }
  }

  private async open(): Promise<Connected> {
    const path = privateSocket(this.params, version);
    for (let tries = 1; path !== undefined; tries++) {
      try {
        const socket = await connectShared(this.workerFile, path);
        const lost = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
        const connected = { connection: socketConnection(socket), lost, end: () => socket.destroy() };
        return await this.initialized(connected);
      } catch (error) {
        // It was about to end when it was found.
        if (error instanceof EndedError && tries < MOST_LOST && !this.ended) continue;
        this.log('warn', `An own worker is started, because the shared one cannot be used: ${messageOf(error)}`);
        break;
      }
    }
    const child = fork(this.workerFile, [], {
      serialization: 'advanced',
      execArgv: inspectorFlags('ANCHORAGE_INSPECT_WORKER'),
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const lost = new Promise<void>((resolve) => {
      child.once('error', () => resolve());
      child.once('exit', () => resolve());
    });
    const end = (): void => {
      if (child.connected) child.disconnect();
    };
    return this.initialized({ connection: ipcConnection(child), lost, end });
  }

  /** @throws when the worker ends first, or cannot open the workspace */
  private async initialized(connected: Connected): Promise<Connected> {
    const { connection, lost, end } = connected;
    this.listen(connection);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), OPENING_MS)));
    try {
      const answer = connection.sendRequest('initialize', this.params).then(() => OPENED);
      const ended = lost.then(() => LOST);
      // A write that fails tells of an end too.
      const first = await Promise.race([answer.catch((error: unknown) => thrown(error) ?? ended), ended, late]);
      if (first === OPENED) return connected;
      throw first === LOST ? new EndedError('The worker ended.') : new Error('It does not answer.');
    } catch (error) {
      end();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private listen(connection: MessageConnection): void {
    const on = <M extends keyof WorkerNotifications>(method: M, listener: (params: WorkerNotifications[M]) => void) =>
      connection.onNotification(method, listener);
    on('answer/event', ({ id, event }) => this.watches.get(id)?.event?.(event));
    on('work/progress', ({ id, fraction, message }) => this.watches.get(id)?.progress?.(fraction, message));
    on('index/status', (status) => this.statuses.forEach((listener) => listener(status)));
    on('log', ({ level, message }) => this.log(level, message));
    on('heartbeat', () => undefined);
    connection.onError(() => undefined);
    connection.listen();
  }
}

/** Undefined for an error of the transport. @throws the error of an answer */
function thrown(error: unknown): undefined {
  if (error instanceof ResponseError && !TRANSPORT.has(error.code)) throw toAppError(error);
  return undefined;
}

function toAppError(error: unknown): unknown {
  if (!(error instanceof ResponseError)) return error;
  const { code = 'internal', hint } = (error.data ?? {}) as Partial<ErrorData>;
  return new AppError(code, error.message, hint);
}
