/** The requests and notifications of one client of a worker, over the session that all of them share. */
import { AppError } from '../base';
import { PROTOCOL_VERSION } from '../protocol';
import { agentRequests } from './agent-requests';
import { answerRequests } from './answer-requests';
import { editorNotifications } from './editor-notifications';
import type { HandlerContext, NotificationListeners, RequestHandlers } from './handlers';
import { indexRequests } from './index-requests';
import type { Notify, SharedSession } from './shared-session';

export interface ServiceOptions {
  shared: SharedSession;
  notify: Notify;
  request: HandlerContext['request'];
  /** Ends the process once the answer to `shutdown` has left. Absent for a client that does not own it. */
  exit?: () => void;
}

export class WorkerService {
  readonly requests: RequestHandlers;
  readonly notifications: NotificationListeners;
  private initialized = false;

  constructor({ shared, notify, request, exit }: ServiceOptions) {
    const context: HandlerContext = {
      opened: () => shared.opened(),
      refresh: (wait, signal) => shared.refresh(wait, signal),
      foreground: shared.foreground,
      notify,
      request,
      texts: new Map(),
      warn: (subject, error) => shared.warn(subject, error),
    };
    this.requests = {
      initialize: async (params) => {
        if (this.initialized) throw new AppError('internal', 'The worker is initialized already.');
        this.initialized = true;
        await shared.initialize(params).catch((error: unknown) => {
          this.initialized = false;
          throw error;
        });
        return { protocolVersion: PROTOCOL_VERSION, pid: process.pid };
      },
      shutdown: async () => {
        if (!exit) return null;
        await shared.close();
        exit();
        return null;
      },
      ...answerRequests(context),
      ...indexRequests(context),
      ...agentRequests(context),
    };
    const { 'writer/text': text, ...editor }: NotificationListeners = {
      ...editorNotifications(context),
      'writer/text': ({ id, text }) => context.texts.get(id)?.(text),
    };
    // Texts, folders and settings of one client must not change the answers of another.
    const ignored = Object.fromEntries(Object.keys(editor).map((method) => [method, () => undefined]));
    this.notifications = { ...((exit ? editor : ignored) as typeof editor), 'writer/text': text };
  }
}
