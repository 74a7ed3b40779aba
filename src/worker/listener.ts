/** The socket of a worker that several processes share (rpc/private-socket.ts). */
import { rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { StoreLock } from '../app';

/** Nobody but the user may open the socket. */
const OTHERS = 0o177;
/** How often the listener looks whether its socket is still there. */
const LOOK_MS = 2_000;

export interface ListenerOptions {
  path: string;
  /** Serves a client. Returns a function that is called once it has gone. */
  accept: (socket: Socket) => () => void;
  /** No client has been here for `linger` milliseconds, or nobody can find the socket any more. */
  abandoned?: () => void;
  linger?: number;
}

export class Listener {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private readonly look: NodeJS.Timeout;
  private idle: NodeJS.Timeout | undefined;

  private constructor(
    private readonly options: ListenerOptions,
    private readonly lock: StoreLock | undefined,
  ) {
    this.server = createServer((socket) => this.serve(socket));
    this.look = setInterval(() => this.lookAround(), LOOK_MS);
    this.look.unref();
  }

  /** Listens; undefined where another worker does. @throws when the socket cannot be made */
  static async open(options: ListenerOptions): Promise<Listener | undefined> {
    const { path } = options;
    const isFile = process.platform !== 'win32';
    // A pipe of Windows belongs to one process and goes with it. A socket stays when its worker is killed.
    const lock = isFile ? StoreLock.takeFile(`${path}.lock`) : undefined;
    if (isFile && !lock) return undefined;
    if (isFile) rmSync(path, { force: true });
    const listener = new Listener(options, lock);
    try {
      await listener.listen();
    } catch (error) {
      listener.release();
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
      throw error;
    }
    listener.wait();
    return listener;
  }

  /** Accepts no further client. Those who are here stay. */
  stop(): void {
    clearTimeout(this.idle);
    clearInterval(this.look);
    this.server.close();
  }

  /** Lets the next worker begin. Called when the stores are closed. */
  release(): void {
    this.stop();
    for (const socket of this.sockets) socket.destroy();
    this.lock?.release();
  }

  get path(): string {
    return this.options.path;
  }

  get clients(): number {
    return this.sockets.size;
  }

  private listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      const before = process.umask(OTHERS);
      this.server.once('error', reject).listen(this.options.path, () => {
        this.server.on('error', () => undefined);
        resolve();
      });
      // The socket is bound by now.
      process.umask(before);
    });
  }

  private serve(socket: Socket): void {
    clearTimeout(this.idle);
    this.sockets.add(socket);
    const gone = this.options.accept(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      gone();
      this.sockets.delete(socket);
      if (this.sockets.size === 0) this.wait();
    });
  }

  private wait(): void {
    const { abandoned, linger } = this.options;
    if (abandoned) this.idle = setTimeout(abandoned, linger);
  }

  private lookAround(): void {
    if (this.lock && this.sockets.size === 0 && !statSync(this.options.path, { throwIfNoEntry: false }))
      this.options.abandoned?.();
  }
}
