/** Connects to the worker that the processes of a workspace share, and starts it where there is none. */
import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import { inspectorFlags } from './inspector';
import { tolerant } from './ipc-connection';

/** Argument of a worker that no client owns, before the path of its socket. */
export const LISTEN = '--listen';

const POLL_MS = 15;
/** Longest time (ms) from the first try to a connection; a busy machine starts processes slowly. */
const PATIENCE_MS = 30_000;
/** Workers that fail to start, after which none is expected to. */
const MOST_FAILURES = 2;

export function socketConnection(socket: Socket): MessageConnection {
  return createMessageConnection(tolerant(new StreamMessageReader(socket)), new StreamMessageWriter(socket));
}

/**
 * Connects to the worker at `path`. Several processes may start one at the same time: the first that takes the socket
 * stays, and the others end at once.
 *
 * @param file the worker's bundle
 * @throws Error when no worker can be reached
 */
export async function connectShared(file: string, path: string): Promise<Socket> {
  const end = Date.now() + PATIENCE_MS;
  let started: Started | undefined;
  for (let failures = 0; ; await sleep(POLL_MS)) {
    const socket = await connectTo(path);
    if (socket) return socket;
    if (started?.state === 'failed' && ++failures >= MOST_FAILURES)
      throw new Error('The shared worker could not be started.');
    if (Date.now() > end) throw new Error('The shared worker does not listen.');
    if (started?.state !== 'runs') started = start(file, path);
  }
}

/** Undefined where nobody listens. @throws when the socket is there, but may not be used */
export function connectTo(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      // Its end follows, and is handled.
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
      else reject(error);
    });
  });
}

interface Started {
  state: 'runs' | 'ended' | 'failed';
}

/** Starts a worker that outlives this process, for the others. */
function start(file: string, path: string): Started {
  const started: Started = { state: 'runs' };
  const child = spawn(process.execPath, [...inspectorFlags('ANCHORAGE_INSPECT_WORKER'), file, LISTEN, path], {
    cwd: dirname(file),
    detached: true,
    stdio: 'ignore',
    windowsHide: true,
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
  });
  child.once('error', () => (started.state = 'failed'));
  child.once('exit', (code) => (started.state = code === 0 ? 'ended' : 'failed'));
  child.unref();
  return started;
}
