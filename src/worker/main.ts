/**
 * Entry point of the worker, which indexes and answers.
 *
 * - The editor forks it. It ends with the process that forked it, and serves agents as well meanwhile.
 * - `worker.js --listen PATH` serves the processes of a workspace that connect to a socket. It ends some seconds after
 *   the last of them.
 */
import '../base/no-telemetry';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InitializeParams } from '../protocol';
import { ipcConnection, LISTEN, socketConnection, startPulse } from '../rpc';
import { serveClient } from './client-connection';
import { Door } from './door';
import { Listener } from './listener';
import { lowerPriority } from './priority';
import { SharedSession } from './shared-session';

/** Longest wait (ms) for the stores to close. They survive a crash. */
const CLOSING_MS = 2_000;
/** Time (ms) without clients after which a shared worker ends. An agent's next server often follows soon. */
const LINGER_MS = 10_000;

const inferenceFile = join(__dirname, 'inference.js');

function main(): void {
  const [option, path] = process.argv.slice(2);
  if (option === LISTEN && path !== undefined) void listen(path);
  else if (process.send) serveParent();
  else {
    process.stderr.write('The worker is started by the extension, over IPC; in a terminal, use `anchorage`.\n');
    process.exit(2);
  }
}

function serveParent(): void {
  startPulse();
  lowerPriority();
  const door: Door = new Door((socket) => serveClient(socketConnection(socket), shared, {}));
  const shared: SharedSession = new SharedSession(inferenceFile, (params) => door.open(params));
  reportDefects(shared);
  const exit = (): void => {
    door.close();
    setTimeout(() => process.exit(0), 50);
  };
  const owner = { exit, changed: (change: Partial<InitializeParams>) => door.change(change) };
  const gone = serveClient(ipcConnection(process), shared, { owner });
  process.once('disconnect', () => {
    gone();
    void close(shared).then(() => {
      door.close();
      process.exit(0);
    });
  });
}

async function listen(path: string): Promise<void> {
  const shared = new SharedSession(inferenceFile);
  reportDefects(shared);
  const end = (): void => {
    if (shared.closing) return;
    listener?.stop();
    void close(shared).then(() => {
      listener?.release();
      process.exit(0);
    });
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, end);
  const handOver = (): void => void setImmediate(end);
  const accept = (socket: Socket) => serveClient(socketConnection(socket), shared, { handOver });
  // Where it cannot be opened, the client starts a worker of its own.
  const listener = await Listener.open({ path, accept, abandoned: end, linger: LINGER_MS }).catch(() =>
    process.exit(1),
  );
  if (!listener) process.exit(0);
}

async function close(shared: SharedSession): Promise<void> {
  const closed = shared.close().catch(() => undefined);
  await Promise.race([closed, sleep(CLOSING_MS)]);
}

/** A failed promise is a defect, but it must not end a process that has a store open. */
function reportDefects(shared: SharedSession): void {
  process.on('unhandledRejection', (reason) => {
    const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    shared.notify('log', { level: 'error', message: `Unhandled rejection: ${text}` });
  });
}

main();
