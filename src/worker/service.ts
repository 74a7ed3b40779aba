/** The worker's life: it opens one session, serves the requests of its client over it, and reports its status. */
import { config } from '@vscode/l10n';
import { type InitializeParams, PROTOCOL_VERSION, type WorkerNotifications } from '../protocol';
import { Session } from '../app';
import { AppError, Foreground, messageOf } from '../base';
import { answerRequests } from './answer-requests';
import { editorNotifications } from './editor-notifications';
import type { HandlerContext, NotificationListeners, RequestHandlers } from './handlers';
import { indexRequests } from './index-requests';

export interface ServiceOptions {
  /** Absolute path of the bundled inference process. */
  inferenceFile: string;
  notify: <M extends keyof WorkerNotifications>(method: M, params: WorkerNotifications[M]) => void;
  request: HandlerContext['request'];
  /** Ends the process once the answer to `shutdown` has left. */
  exit: () => void;
}

/** Shortest time (ms) between two status notifications. */
const STATUS_INTERVAL = 250;

export class WorkerService {
  readonly requests: RequestHandlers;
  readonly notifications: NotificationListeners;
  private readonly foreground = new Foreground();
  private opening: Promise<Session> | undefined;
  private session: Session | undefined;
  private statusTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ServiceOptions) {
    const context: HandlerContext = {
      opened: () => this.opened(),
      foreground: this.foreground,
      notify: options.notify,
      request: options.request,
      texts: new Map(),
      warn: (subject, error) => this.warn(subject, error),
    };
    this.requests = {
      initialize: async (params) => {
        await this.initialize(params);
        return { protocolVersion: PROTOCOL_VERSION, pid: process.pid };
      },
      shutdown: async () => {
        await this.close();
        this.options.exit();
        return null;
      },
      ...answerRequests(context),
      ...indexRequests(context),
    };
    this.notifications = {
      ...editorNotifications(context),
      'writer/text': ({ id, text }) => context.texts.get(id)?.(text),
    };
  }

  async close(): Promise<void> {
    clearTimeout(this.statusTimer);
    const { opening } = this;
    this.opening = undefined;
    this.session = undefined;
    const session = await opening?.catch(() => undefined);
    await session?.close();
  }

  private async initialize(params: InitializeParams): Promise<void> {
    if (params.protocolVersion !== PROTOCOL_VERSION) {
      throw new AppError(
        'internal',
        `The client speaks version ${params.protocolVersion} of the protocol, the worker ${PROTOCOL_VERSION}.`,
        'Install the extension again.',
      );
    }
    if (this.opening) throw new AppError('internal', 'The worker is initialized already.');
    if (params.strings) config({ contents: { ...params.strings } });
    this.opening = this.open(params);
    this.opening.catch(() => (this.opening = undefined));
    const session = await this.opening;
    // Loading takes seconds. Until then answers quote the sources and the status says "loading".
    void session.loadModels().catch((error: unknown) => this.warn('model', error));
  }

  private async open(params: InitializeParams): Promise<Session> {
    const changed = (): void => this.statusChanged();
    const log = (level: WorkerNotifications['log']['level'], message: string): void =>
      this.options.notify('log', { level, message });
    const session = await Session.open({
      ...params,
      inferenceFile: this.options.inferenceFile,
      encodeInBackground: true,
      foreground: this.foreground,
      log,
      warn: (message) => log('warn', message),
      indexChanged: changed,
      memoryChanged: changed,
      modelsChanged: changed,
    });
    this.session = session;
    session.hold(params.held);
    if (params.held === 'cancelled') await session.cancel();
    else if (params.trusted) session.startWhenIdle();
    return session;
  }

  /** @throws AppError('notInitialized') */
  private opened(): Promise<Session> {
    if (!this.opening)
      throw new AppError('notInitialized', 'The worker has not been initialized.', 'Send `initialize` first.');
    return this.opening;
  }

  /** Sends the status soon. Changes in between are sent together. */
  private statusChanged(): void {
    this.statusTimer ??= setTimeout(() => {
      this.statusTimer = undefined;
      if (this.session) this.options.notify('index/status', this.session.status());
    }, STATUS_INTERVAL);
  }

  private warn(subject: string, error: unknown): void {
    this.options.notify('log', { level: 'warn', message: `${subject}: ${messageOf(error)}` });
  }
}
