/** Entry point of the worker: a forked process that indexes and answers. It ends with the process that started it. */
import '../base/no-telemetry';
import { join } from 'node:path';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import type { ClientNotifications, Requests, WorkerNotifications } from '../protocol';
import { errorData, ipcConnection, serve, startPulse } from '../rpc';
import { WorkerService } from './service';
import { lowerPriority } from './priority';

const HEARTBEAT_MS = 2_000;

function main(): void {
  if (!process.send) {
    process.stderr.write('The worker is started by the extension, over IPC; in a terminal, use `anchorage`.\n');
    process.exit(2);
  }
  startPulse();
  lowerPriority();
  const connection = ipcConnection(process);
  const notify = <M extends keyof WorkerNotifications>(method: M, params: WorkerNotifications[M]): void => {
    // The 'disconnect' event reports a client that has gone. Messages to it are dropped.
    if (process.connected) connection.sendNotification(method, params).catch(() => {});
  };
  const log = (level: WorkerNotifications['log']['level'], message: string): void => notify('log', { level, message });

  const service = new WorkerService({
    inferenceFile: join(__dirname, 'inference.js'),
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
    exit: () => setTimeout(() => process.exit(0), 50),
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

  const heartbeat = setInterval(() => notify('heartbeat', { at: Date.now() }), HEARTBEAT_MS);
  process.once('disconnect', () => {
    clearInterval(heartbeat);
    // The stores are crash-safe, so the process need not wait longer for them to close.
    const patience = setTimeout(() => process.exit(0), 2_000);
    void service
      .close()
      .catch(() => {})
      .then(() => {
        clearTimeout(patience);
        process.exit(0);
      });
  });
  // A failed promise is a defect, but it must not end a process that has a store open.
  process.on('unhandledRejection', (reason) =>
    log('error', `Unhandled rejection: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`),
  );
  connection.listen();
}

main();
