/**
 * The session over the granted folders. It opens with the first request, or before, and opens anew when the client's
 * roots change.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory, DEFAULT_SETTINGS, defaultStorage, Session } from '../app';
import { AppError, Foreground } from '../base';
import type { FolderParams } from '../protocol';
import type { ServerArguments } from './arguments';
import { Gate } from './gate';
import { grantedFolders } from './granted-folders';

export type Progress = (fraction: number, message: string) => void;

/** A session whose index is up to date as far as the time allowed. */
export interface Ready {
  session: Session;
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

interface Opened extends Ready {
  /** The current pass over the files. */
  pass: Promise<void> | undefined;
  indexed: boolean;
}

/** Longest wait (ms) for the first pass over a workspace. The answer then says how much is indexed. */
const FIRST_PASS = 25_000;
/** Longest wait (ms) for a later pass, which finds what has changed since. */
const LATER_PASS = 2_000;

export class GrantedSession {
  private opening: Promise<Opened> | undefined;
  private key = '';
  private ended = false;
  private readonly foreground = new Foreground();

  constructor(
    private readonly args: ServerArguments,
    private readonly log: (message: string) => void,
  ) {}

  /** Returns the session with an index that has the latest changes. @throws AppError, or the signal's reason */
  ready(roots: readonly string[] | undefined, signal: AbortSignal, progress: Progress): Promise<Ready> {
    return this.run({ roots, signal, progress, waits: true }, (ready) => Promise.resolve(ready));
  }

  /** Runs one request. Indexing yields to it once it has what it waits for. @throws AppError, or the signal's reason */
  async run<T>(request: Request, work: (ready: Ready) => Promise<T>): Promise<T> {
    const { roots, signal, progress, waits } = request;
    // Opening waits while another process indexes the workspace for the first time.
    const opened = await abortable(this.opened(roots), signal);
    const first = !opened.indexed;
    opened.pass ??= this.pass(opened);
    const unsubscribe = opened.session.workspace.onStatus(({ state, filesIndexed, filesKnown, progress: done }) => {
      if (first && state === 'indexing') progress(done, `Indexing: ${filesIndexed} of ${filesKnown} files`);
    });
    try {
      if (waits) await within(first ? FIRST_PASS : LATER_PASS, opened.pass, signal);
      return await this.foreground.during(() => work(opened));
    } finally {
      unsubscribe();
    }
  }

  async close(): Promise<void> {
    this.ended = true;
    const opened = await this.opening?.catch(() => undefined);
    await opened?.session.close();
  }

  private async pass(opened: Opened): Promise<void> {
    try {
      await opened.session.index();
      opened.indexed = true;
    } catch (error) {
      if (!this.ended) this.log(`Indexing failed: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      opened.pass = undefined;
    }
  }

  private async opened(roots: readonly string[] | undefined): Promise<Opened> {
    if (this.ended) throw new AppError('cancelled', 'The server is closing.');
    const folders = grantedFolders(this.args.workspace, roots);
    const key = folders.map(({ directory }) => directory).join('\0');
    if (this.opening && this.key !== key) {
      const before = this.opening;
      this.opening = before.then(
        ({ session }) => session.close().then(() => this.open(folders)),
        () => this.open(folders),
      );
    }
    this.key = key;
    this.opening ??= this.open(folders);
    try {
      return await this.opening;
    } catch (error) {
      // The next request tries again.
      this.opening = undefined;
      throw error;
    }
  }

  private async open(folders: readonly FolderParams[]): Promise<Opened> {
    const { storage, models, settings, workspace } = this.args;
    // A storage belongs to the folders that it was made for. Roots may leave fewer of them.
    const isWhole = workspace.length === folders.length || workspace.length === 0;
    const storageDirectory =
      storage !== undefined && isWhole ? storage : defaultStorage(folders.map(({ directory }) => directory));
    const session = await Session.open({
      folders,
      storageDirectory,
      // A window keeps a second index while another process writes; servers are many, so they read that one.
      store: { access: 'share' },
      modelsDirectory: models ?? join(cacheDirectory(), 'models'),
      settings: { ...DEFAULT_SETTINGS, ...settings },
      inferenceFile: join(__dirname, 'inference.js'),
      encodeInBackground: true,
      foreground: this.foreground,
      log: (level, message) => {
        if (level === 'error' || process.env['ANCHORAGE_DEBUG']) this.log(message);
      },
      warn: this.log,
    });
    // Without stored rows a model would only cost memory: encoding a workspace takes minutes and is the user's choice.
    if (settings.modelDirectory !== '' || existsSync(join(storageDirectory, 'memories'))) void session.loadModels();
    return { session, gate: new Gate(session.workspace, folders), pass: undefined, indexed: false };
  }
}

/** Waits for `work`, at most `milliseconds`. @throws the signal's reason when it aborts */
async function within(milliseconds: number, work: Promise<void>, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
  try {
    await abortable(Promise.race([work, late]), signal);
  } finally {
    clearTimeout(timer);
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
