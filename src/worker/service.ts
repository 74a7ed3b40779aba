/** The requests and notifications of one client of a worker, over the session that all of them share. */
import { withSavedTexts } from '../app';
import { AppError } from '../base';
import { type InitializeParams, PROTOCOL_VERSION } from '../protocol';
import { agentRequests } from './agent-requests';
import { answerRequests } from './answer-requests';
import { editorNotifications } from './editor-notifications';
import type { HandlerContext, NotificationListeners, RequestHandlers } from './handlers';
import { indexRequests } from './index-requests';
import type { Notify, SharedSession } from './shared-session';

/** The client that owns the process: its texts, folders and settings count. */
export interface Owner {
  /** Ends the process once the answer to `shutdown` has left. */
  exit: () => void;
  /** Told of other folders or settings, before they apply. */
  changed?: (change: Pick<Partial<InitializeParams>, 'folders' | 'settings'>) => void;
}

export interface ServiceOptions {
  shared: SharedSession;
  notify: Notify;
  request: HandlerContext['request'];
  /** Absent for a client that shares the process. */
  owner?: Owner;
  /** Ends the process for an editor's worker. Absent in one that an editor owns. */
  handOver?: () => void;
}

export class WorkerService {
  readonly requests: RequestHandlers;
  readonly notifications: NotificationListeners;
  private initialized = false;

  constructor(private readonly options: ServiceOptions) {
    const { shared, notify, request, owner, handOver } = options;
    const context: HandlerContext = {
      opened: () => shared.opened(),
      refresh: (wait, signal) => shared.refresh(wait, signal),
      foreground: shared.foreground,
      notify,
      request,
      texts: new Map(),
      warn: (subject, error) => shared.warn(subject, error),
    };
    const requests: RequestHandlers = {
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
        if (owner) await shared.close();
        owner?.exit();
        return null;
      },
      'hand-over': () => {
        handOver?.();
        return Promise.resolve({ ends: handOver !== undefined });
      },
      ...answerRequests(context),
      ...indexRequests(context),
      ...agentRequests(context),
    };
    this.requests = owner ? requests : this.forOthers(requests);
    const editor = editorNotifications(context);
    this.notifications = {
      ...(owner ? editor : ignoring(editor)),
      'writer/text': ({ id, text }) => context.texts.get(id)?.(text),
    };
    if (!owner) return;
    const { 'settings/changed': settings, 'folders/changed': folders } = editor;
    this.notifications['settings/changed'] = (params) => {
      owner.changed?.(params);
      settings(params);
    };
    this.notifications['folders/changed'] = (params) => {
      owner.changed?.(params);
      folders(params);
    };
  }

  /** The requests of a client that sees no unsaved text of the owner's, and that survives the worker's end. */
  private forOthers(requests: RequestHandlers): RequestHandlers {
    const { shared } = this.options;
    const each = Object.entries(requests).map(([method, handle]) => {
      const run = handle as (params: unknown, signal: AbortSignal) => Promise<unknown>;
      const limited = (params: unknown, signal: AbortSignal): Promise<unknown> =>
        withSavedTexts(() => run(params, signal)).catch((error: unknown) => {
          if (shared.closing) return new Promise(() => undefined);
          throw error;
        });
      return [method, limited];
    });
    return Object.fromEntries(each) as RequestHandlers;
  }
}

/** Texts, folders and settings of one client must not change the answers of another. */
function ignoring<Listeners extends object>(listeners: Listeners): Listeners {
  return Object.fromEntries(Object.keys(listeners).map((method) => [method, () => undefined])) as Listeners;
}
