import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { version } from '../../package.json';
import type { InitializeParams, Requests } from '../protocol';
import { connectTo, privateSocket, socketConnection } from '../rpc';
import { Listener } from './listener';

const POLL_MS = 15;
/** Longest time (ms) that another worker gets to close its stores. */
const PATIENCE_MS = 5_000;

/**
 * The socket of an editor's worker, where agents' servers find it. A worker that they have started before hands over:
 * it ends, and they come here.
 */
export class Door {
  private listener: Listener | undefined;
  private params: InitializeParams | undefined;
  private moving: Promise<void> = Promise.resolve();

  constructor(private readonly accept: (socket: Socket) => () => void) {}

  /** Resolves when the socket is open, or cannot be; agents then have a worker of their own. Never rejects. */
  open(params: InitializeParams): Promise<void> {
    this.params = params;
    return (this.moving = this.moving.then(() => this.move()).catch(() => undefined));
  }

  /** Moves to the socket of other rules. Servers that keep the earlier ones leave, and start their own worker. */
  change(change: Partial<InitializeParams>): void {
    if (this.params) void this.open({ ...this.params, ...change });
  }

  close(): void {
    this.listener?.release();
    this.listener = undefined;
    this.params = undefined;
  }

  private async move(): Promise<void> {
    const { params } = this;
    // In Restricted Mode the server is not offered, and an agent's own worker is no editor's.
    if (!params || params.agent || !params.trusted) return;
    const path = privateSocket(params, version);
    if (path === this.listener?.path) return;
    this.listener?.release();
    this.listener = undefined;
    const end = Date.now() + PATIENCE_MS;
    while (path !== undefined && !this.listener && this.params && Date.now() < end) {
      this.listener = await Listener.open({ path, accept: this.accept });
      if (this.listener) return;
      if (!(await handsOver(path))) return;
      await sleep(POLL_MS);
    }
  }
}

/** Asks the worker at the socket to end. True as well where there is none any more. */
async function handsOver(path: string): Promise<boolean> {
  const socket = await connectTo(path);
  if (!socket) return true;
  const connection = socketConnection(socket);
  const gone = new Promise<{ ends: boolean }>((resolve) => socket.once('close', () => resolve({ ends: true })));
  connection.listen();
  try {
    const asked = connection.sendRequest<Requests['hand-over'][1]>('hand-over', null);
    return (await Promise.race([asked, gone])).ends;
  } finally {
    socket.destroy();
  }
}
