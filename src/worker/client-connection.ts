import { CancellationTokenSource, type MessageConnection } from 'vscode-jsonrpc/node';
import type { ClientNotifications, Requests, WorkerNotifications } from '../protocol';
import { errorData, serve } from '../rpc';
import { type ServiceOptions, WorkerService } from './service';
import type { Notify, SharedSession } from './shared-session';

const HEARTBEAT_MS = 2_000;

/**
 * Serves one client. Returns a function that forgets it; nothing is sent to it afterwards.
 */
export function serveClient(
  connection: MessageConnection,
  shared: SharedSession,
  options: Pick<ServiceOptions, 'owner' | 'handOver'>,
): () => void {
  let open = true;
  // Messages to a client that has gone are dropped; the end of its channel tells of it.
  const notify: Notify = (method, params) => {
    if (open) connection.sendNotification(method, params).catch(() => {});
  };
  const log = (level: WorkerNotifications['log']['level'], message: string): void => notify('log', { level, message });
  const service = new WorkerService({
    shared,
    notify,
    request: async (method, params, signal) => {
      const source = new CancellationTokenSource();
      const cancel = () => source.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        return await connection.sendRequest(method, params, source.token);
      } finally {
        signal?.removeEventListener('abort', cancel);
      }
    },
    ...options,
  });
  serve<Requests, ClientNotifications>(connection, service.requests, service.notifications, {
    failed: (method, error) => {
      const { code, message } = errorData(error);
      if (code === 'internal')
        log('error', `${method}: ${error instanceof Error ? (error.stack ?? message) : message}`);
      else log('debug', `${method}: ${code}: ${message}`);
    },
  });
  // A failed write is not logged over the connection it failed on, because that would fail again.
  connection.onError(([error, message]) => {
    if (message === undefined) log('warn', `connection: ${error.message}`);
  });
  connection.onUnhandledNotification(({ method }) => log('warn', `Unknown notification ${method}.`));
  const leave = shared.join(notify);
  const heartbeat = setInterval(() => notify('heartbeat', { at: Date.now() }), HEARTBEAT_MS);
  connection.listen();
  return () => {
    open = false;
    clearInterval(heartbeat);
    leave();
  };
}
