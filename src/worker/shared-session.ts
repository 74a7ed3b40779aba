/** The session of a worker, which its clients share. It reports its status and its log to each of them. */
import { config } from '@vscode/l10n';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Session } from '../app';
import { AppError, Foreground, messageOf } from '../base';
import { type InitializeParams, PROTOCOL_VERSION, type WorkerNotifications } from '../protocol';
import { Refresher } from './refresher';

export type Notify = <M extends keyof WorkerNotifications>(method: M, params: WorkerNotifications[M]) => void;

/** Shortest time (ms) between two status notifications. */
const STATUS_INTERVAL = 250;

export class SharedSession {
  readonly foreground = new Foreground();
  private readonly clients = new Set<Notify>();
  private readonly refresher = new Refresher((error) => {
    if (this.session) this.warn('index', error);
  });
  private opening: Promise<Session> | undefined;
  private session: Session | undefined;
  private statusTimer: NodeJS.Timeout | undefined;

  /** Requests that are in hand now stay without an answer; a client sends them again, to the next worker. */
  closing = false;

  /**
   * @param inferenceFile absolute path of the bundled inference process
   * @param beforeOpening runs before the session opens
   */
  constructor(
    private readonly inferenceFile: string,
    private readonly beforeOpening: (params: InitializeParams) => Promise<void> = () => Promise.resolve(),
  ) {}

  /** Adds a client until the result is called. */
  join(client: Notify): () => void {
    this.clients.add(client);
    return () => void this.clients.delete(client);
  }

  readonly notify: Notify = (method, params) => {
    for (const client of this.clients) client(method, params);
  };

  /** Opens the session for the first client. Further ones, whose parameters are alike, find it open. */
  async initialize(params: InitializeParams): Promise<void> {
    if (params.protocolVersion !== PROTOCOL_VERSION) {
      throw new AppError(
        'internal',
        `The client speaks version ${params.protocolVersion} of the protocol, the worker ${PROTOCOL_VERSION}.`,
        'Install the extension again.',
      );
    }
    if (this.opening) return void (await this.opening);
    if (params.strings) config({ contents: { ...params.strings } });
    this.opening = this.open(params);
    this.opening.catch(() => (this.opening = undefined));
    const session = await this.opening;
    const { storageDirectory, settings, agent } = params;
    const loads = !agent || settings.modelDirectory !== '' || existsSync(join(storageDirectory, 'memories'));
    // Loading takes seconds. Until then answers quote the sources and the status says "loading".
    if (loads) void session.loadModels().catch((error: unknown) => this.warn('model', error));
  }

  /** @throws AppError('notInitialized') */
  opened(): Promise<Session> {
    if (!this.opening)
      throw new AppError('notInitialized', 'The worker has not been initialized.', 'Send `initialize` first.');
    return this.opening;
  }

  async refresh(wait: boolean, signal: AbortSignal): Promise<void> {
    await this.refresher.refresh(await this.opened(), wait, signal);
  }

  warn(subject: string, error: unknown): void {
    this.notify('log', { level: 'warn', message: `${subject}: ${messageOf(error)}` });
  }

  async close(): Promise<void> {
    this.closing = true;
    clearTimeout(this.statusTimer);
    const { opening } = this;
    this.opening = undefined;
    this.session = undefined;
    const session = await opening?.catch(() => undefined);
    await session?.close();
  }

  private async open(params: InitializeParams): Promise<Session> {
    const { agent, held, trusted } = params;
    await this.beforeOpening(params);
    const changed = (): void => this.statusChanged();
    const log = (level: WorkerNotifications['log']['level'], message: string): void =>
      this.notify('log', { level, message });
    const session = await Session.open({
      ...params,
      // A window keeps a second index while another process writes; agents' workers read that one.
      ...(agent ? { store: { access: 'share' } } : {}),
      inferenceFile: this.inferenceFile,
      encodeInBackground: true,
      foreground: this.foreground,
      log,
      warn: (message) => log('warn', message),
      indexChanged: changed,
      memoryChanged: changed,
      modelsChanged: changed,
    });
    this.session = session;
    if (agent) return session;
    session.hold(held);
    if (held === 'cancelled') await session.cancel();
    else if (trusted) session.startWhenIdle();
    return session;
  }

  /** Sends the status soon. Changes in between are sent together. */
  private statusChanged(): void {
    this.statusTimer ??= setTimeout(() => {
      this.statusTimer = undefined;
      if (this.session) this.notify('index/status', this.session.status());
    }, STATUS_INTERVAL);
  }
}
