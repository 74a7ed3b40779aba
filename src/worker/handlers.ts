import type { ClientNotifications, ClientRequests, Requests, WorkerNotifications } from '../protocol';
import type { Session } from '../app';
import type { Foreground } from '../base';

export type RequestHandlers = {
  [M in keyof Requests]: (params: Requests[M][0], signal: AbortSignal) => Promise<Requests[M][1]>;
};

export type NotificationListeners = {
  [M in keyof ClientNotifications]: (params: ClientNotifications[M]) => void;
};

/** The worker as its request handlers see it. */
export interface HandlerContext {
  /** @throws AppError('notInitialized') */
  opened(): Promise<Session>;
  /** Takes up changes on disk (refresher.ts). */
  refresh(wait: boolean, signal: AbortSignal): Promise<void>;
  /** Counts the requests that a user waits for. */
  foreground: Foreground;
  notify: <M extends keyof WorkerNotifications>(method: M, params: WorkerNotifications[M]) => void;
  /** Asks the client. */
  request: <M extends keyof ClientRequests>(
    method: M,
    params: ClientRequests[M][0],
    signal?: AbortSignal,
  ) => Promise<ClientRequests[M][1]>;
  /** Receives texts of the client's models, by the question's id. */
  texts: Map<string, (text: string) => void>;
  warn: (subject: string, error: unknown) => void;
}
