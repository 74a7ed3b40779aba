/**
 * The workspace of the granted folders. Its worker is joined with the first request, or before; another one when the
 * client's roots change.
 */
import { join } from 'node:path';
import { AppError } from '../base';
import { cacheDirectory, DEFAULT_SETTINGS, defaultStorage } from '../base/node';
import { type FolderParams, PROTOCOL_VERSION } from '../protocol';
import type { ServerArguments } from './arguments';
import { Gate } from './gate';
import { grantedFolders } from './granted-folders';
import { type Ask, WorkerLink } from './worker-link';

export type Progress = (fraction: number, message: string) => void;

/** A workspace whose index is up to date as far as the time allowed. */
export interface Ready {
  ask: Ask;
  gate: Gate;
}

/** One request of the client. */
export interface Request {
  /** The client's roots; undefined for a client without. */
  roots: readonly string[] | undefined;
  signal: AbortSignal;
  progress: Progress;
  /** Waits for the pass over the files, within a time. A search waits by itself, for the files that it needs. */
  waits: boolean;
}

interface Opened {
  /** The folders as one text. */
  key: string;
  folders: readonly FolderParams[];
  link: WorkerLink;
  indexed: boolean;
}

export class GrantedSession {
  private opened: Opened | undefined;
  private ended = false;

  constructor(
    private readonly args: ServerArguments,
    private readonly log: (message: string) => void,
  ) {}

  /** Returns the workspace with an index that has the latest changes. @throws AppError, or the signal's reason */
  ready(roots: readonly string[] | undefined, signal: AbortSignal, progress: Progress): Promise<Ready> {
    return this.run({ roots, signal, progress, waits: true }, (ready) => Promise.resolve(ready));
  }

  /** Runs one request. @throws AppError, or the signal's reason */
  async run<T>(request: Request, work: (ready: Ready) => Promise<T>): Promise<T> {
    const { roots, signal, progress, waits } = request;
    const opened = this.open(roots);
    const { link, folders } = opened;
    const first = !opened.indexed;
    const unsubscribe = link.onStatus(({ state, filesIndexed, filesKnown, progress: done }) => {
      if (state === 'ready') opened.indexed = true;
      if (first && state === 'indexing') progress(done, `Indexing: ${filesIndexed} of ${filesKnown} files`);
    });
    const ask: Ask = (method, params, watch) => link.request(method, params, signal, watch);
    try {
      // Opening waits while another process indexes the workspace for the first time.
      await abortable(ask('index/refresh', { wait: waits }), signal);
      return await abortable(work({ ask, gate: new Gate(ask, folders) }), signal);
    } finally {
      unsubscribe();
    }
  }

  async close(): Promise<void> {
    this.ended = true;
    await this.opened?.link.close();
  }

  private open(roots: readonly string[] | undefined): Opened {
    if (this.ended) throw new AppError('cancelled', 'The server is closing.');
    const folders = grantedFolders(this.args.workspace, roots);
    const key = folders.map(({ directory }) => directory).join('\0');
    if (this.opened?.key === key) return this.opened;
    void this.opened?.link.close();
    return (this.opened = { key, folders, link: this.link(folders), indexed: false });
  }

  private link(folders: readonly FolderParams[]): WorkerLink {
    const { storage, models, settings, workspace } = this.args;
    // A storage belongs to the folders that it was made for. Roots may leave fewer of them.
    const isWhole = workspace.length === folders.length || workspace.length === 0;
    const storageDirectory =
      storage !== undefined && isWhole ? storage : defaultStorage(folders.map(({ directory }) => directory));
    const params = {
      protocolVersion: PROTOCOL_VERSION,
      folders,
      storageDirectory,
      modelsDirectory: models ?? join(cacheDirectory(), 'models'),
      settings: { ...DEFAULT_SETTINGS, ...settings },
      trusted: true,
      agent: true,
    } as const;
    return new WorkerLink(join(__dirname, 'worker.js'), params, (level, message) => {
      if (level === 'error' || level === 'warn' || process.env['ANCHORAGE_DEBUG']) this.log(message);
    });
  }
}

/** @throws the signal's reason when it aborts first */
async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
