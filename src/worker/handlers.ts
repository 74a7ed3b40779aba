import type { ClientNotifications, Requests, WorkerNotifications } from '../protocol';
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
  /** Counts the requests that a user waits for. */
  foreground: Foreground;
  notify: <M extends keyof WorkerNotifications>(method: M, params: WorkerNotifications[M]) => void;
  warn: (subject: string, error: unknown) => void;
}
