/**
 * Entry point of the worker, which indexes and answers.
 *
 * - The editor forks it. It ends with the process that forked it.
 * - `worker.js --listen PATH` serves the processes of a workspace that connect to a socket. It ends some seconds after
 *   the last of them.
 */
import '../base/no-telemetry';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { ipcConnection, LISTEN, socketConnection, startPulse } from '../rpc';
import { serveClient } from './client-connection';
import { Listener } from './listener';
import { lowerPriority } from './priority';
import { SharedSession } from './shared-session';

/** Longest wait (ms) for the stores to close. They survive a crash. */
const CLOSING_MS = 2_000;
/** Time (ms) without clients after which a shared worker ends. An agent's next server often follows soon. */
const LINGER_MS = 10_000;

const shared = new SharedSession(join(__dirname, 'inference.js'));
let listener: Listener | undefined;
let ending = false;

function main(): void {
  const [option, path] = process.argv.slice(2);
  if (option === LISTEN && path !== undefined) void listen(path);
  else if (process.send) serveParent();
  else {
    process.stderr.write('The worker is started by the extension, over IPC; in a terminal, use `anchorage`.\n');
    process.exit(2);
  }
  // A failed promise is a defect, but it must not end a process that has a store open.
  process.on('unhandledRejection', (reason) => {
    const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    shared.notify('log', { level: 'error', message: `Unhandled rejection: ${text}` });
  });
}

function serveParent(): void {
  startPulse();
  lowerPriority();
  const gone = serveClient(ipcConnection(process), shared, () => setTimeout(() => process.exit(0), 50));
  process.once('disconnect', () => {
    gone();
    void end();
  });
}

async function listen(path: string): Promise<void> {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => void end());
  const accept = (socket: Socket) => serveClient(socketConnection(socket), shared);
  try {
    listener = await Listener.open({ path, accept, abandoned: () => void end(), linger: LINGER_MS });
  } catch {
    // The client then starts a worker of its own.
    process.exit(1);
  }
  if (!listener) process.exit(0);
}

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  listener?.stop();
  const patience = setTimeout(() => process.exit(0), CLOSING_MS);
  await shared.close().catch(() => {});
  clearTimeout(patience);
  listener?.release();
  process.exit(0);
}

main();
