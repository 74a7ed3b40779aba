/** The session of one command: folders, storage and models as its arguments name them. */
import * as l10n from '@vscode/l10n';
import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import {
  cacheDirectory,
  DEFAULT_SETTINGS,
  defaultStorage,
  distinctNames,
  type ModelNames,
  modelNames,
  type Patience,
  type PushedIndex,
  type StoreAccess,
  Session as WorkspaceSession,
} from '../app';
import { AppError, formatNumber } from '../base';
import { makeDirectory } from '../base/node';
import type { Scope, WorkerSettings } from '../protocol';
import { type Arguments, type CommandName, UsageError, wholeNumber } from './arguments';
import { Progress } from './progress';
import { note } from './write';

export interface Session extends Pick<WorkspaceSession, 'workspace' | 'memory' | 'engines' | 'answering' | 'close'> {
  folders: readonly { name: string; directory: string }[];
  storageDirectory: string;
  /** Names of the models in use, loaded or not. */
  models: ModelNames;
  progress: Progress;
  /** Indexes the changes since the last run and waits for it, showing progress. */
  index(signal?: AbortSignal): Promise<void>;
  /** Discards the index, so that the next pass reads every file. */
  clearIndex(): Promise<number>;
  /** Commits the index to the team's store. */
  shareIndex(signal?: AbortSignal): Promise<PushedIndex | undefined>;
}

/**
 * @throws UsageError when a folder does not exist, AppError when the storage or the model that was named cannot
 *   be used.
 */
export async function openSession(
  command: CommandName,
  args: Arguments,
  options: { model?: boolean | 'forStored'; store?: StoreAccess; patience?: Patience } = {},
): Promise<Session> {
  const folders = workspaceFolders(args, command);
  const storageDirectory = storageOf(args, command, folders);
  const settings: WorkerSettings = {
    ...DEFAULT_SETTINGS,
    secrets: args.secrets,
    followLinks: args['follow-links'],
    modelDirectory: modelDirectoryOf(args),
    modelServer: args.server ?? '',
    allowedHosts: args['allow-host'],
    ...sharedOf(args),
    threads: wholeNumber('threads', args.threads, 0, command),
    weights: weightsOf(args.weights, command),
  };
  const progress = new Progress(args.progress || (process.stderr.isTTY ?? false));
  const log = (level: string, message: string): void => {
    if (level === 'error' || process.env['ANCHORAGE_DEBUG']) note(message);
  };
  const session: WorkspaceSession = await WorkspaceSession.open({
    folders,
    storageDirectory,
    store: {
      access: options.store ?? 'share',
      onWait: (pid) => note(l10n.t('Another process ({0}) is indexing this workspace. Waiting for it.', pid)),
    },
    modelsDirectory: join(cacheDirectory(), 'models'),
    settings,
    inferenceFile: join(__dirname, 'inference.js'),
    encodeInBackground: false,
    ...(options.patience ? { patience: options.patience } : {}),
    log,
    warn: note,
    memoryChanged: () => showEncoding(session, progress),
  });
  session.workspace.onStatus((status) => {
    const [indexed, known] = [status.filesIndexed, status.filesKnown].map((count) => formatNumber(count));
    if (status.state === 'indexing')
      progress.update(status.progress, l10n.t('Indexing {0} of {1} files', indexed ?? '', known ?? ''));
  });
  // A search loads the model only when the workspace has encoded segments.
  const model = options.model === 'forStored' ? existsSync(join(storageDirectory, 'memories')) : options.model;
  if (model) await session.loadModels();
  const { engines, workspace, memory, answering } = session;
  const { status: named } =
    [engines.server, engines.chat].find(({ status }) => status.state !== 'none') ?? engines.memory;
  const asked = settings.modelServer || settings.modelDirectory;
  if (asked && named.state === 'failed') {
    // A model that the user named must not be skipped without a word.
    await session.close();
    throw new AppError(
      'modelFailed',
      l10n.t('The model in {0} cannot be used. {1}', asked, named.detail),
      l10n.t('Without {0} the answer quotes the sources.', settings.modelServer ? '--server' : '--model-directory'),
    );
  }
  return {
    folders,
    storageDirectory,
    workspace,
    memory,
    engines,
    answering,
    models: modelNames(await session.modelChoices()),
    progress,
    index: async (signal) => {
      try {
        await session.index(signal);
      } finally {
        progress.done();
      }
    },
    clearIndex: () => session.clearIndex(),
    shareIndex: (signal) => session.shareIndex(signal),
    close: () => session.close(),
  };
}

function showEncoding({ memory: { status } }: WorkspaceSession, progress: Progress): void {
  if (status?.counting) progress.update(0, l10n.t('Encoding, counting segments'));
  else if (status && status.segments > 0)
    progress.update(
      status.encoded / status.segments,
      l10n.t('Encoding {0} of {1} segments', formatNumber(status.encoded), formatNumber(status.segments)),
    );
}

/** Where a command's index is kept. @throws UsageError, AppError */
export function storageOf(args: Arguments, command: CommandName, folders = workspaceFolders(args, command)): string {
  return args.storage ? namedStorage(args.storage) : defaultStorage(folders.map(({ directory }) => directory));
}

/** The team's memory that a command or the environment names. */
function sharedOf({ shared }: Arguments): Pick<WorkerSettings, 'shared'> {
  const address = shared ?? process.env['ANCHORAGE_MEMORY_SHARED'] ?? '';
  return address === '' ? {} : { shared: { address } };
}

/** The model that a command names; empty for none. */
export function modelDirectoryOf(args: Arguments): string {
  return args['model-directory'] ? resolve(args['model-directory']) : '';
}

function workspaceFolders({ workspace }: Arguments, command: CommandName): { name: string; directory: string }[] {
  const directories = (workspace.length > 0 ? workspace : [process.cwd()]).map((each) => resolve(each));
  const folders = [...new Set(directories)].map((directory) => {
    let isFolder = false;
    try {
      isFolder = statSync(directory).isDirectory();
    } catch {
      // The error below reports it.
    }
    if (!isFolder) throw new UsageError(l10n.t('{0} is not a folder.', directory), command);
    return { name: basename(directory) || directory, directory: realpathSync(directory) };
  });
  return distinctNames(folders);
}

function weightsOf(value: string | undefined, command: CommandName): WorkerSettings['weights'] {
  if (value === undefined) return 'auto';
  if (value === 'auto' || value === 'f32' || value === '8bit' || value === '4bit') return value;
  throw new UsageError(`--weights takes auto, f32, 8bit or 4bit, not “${value}”.`, command);
}

const anotherStorage = (): string => l10n.t('Use another folder with --storage, or omit the option.');

/** The folder of `--storage`, made when missing. @throws AppError when it cannot be written */
function namedStorage(path: string): string {
  const directory = resolve(path);
  try {
    makeDirectory(directory);
    accessSync(directory, constants.W_OK | constants.X_OK);
    if (statSync(directory).isDirectory()) return directory;
    throw new AppError(
      'storeUnwritable',
      l10n.t('The index cannot be kept in {0}: it is not a folder.', directory),
      anotherStorage(),
    );
  } catch (error) {
    if (error instanceof AppError) throw error;
    const { code = '' } = error as NodeJS.ErrnoException;
    const message = /^E(ACCES|PERM|ROFS)$/.test(code)
      ? l10n.t('The index cannot be kept in {0}: it is not writable.', directory)
      : code === 'ENOSPC'
        ? l10n.t('The index cannot be kept in {0}: the disk is full.', directory)
        : l10n.t('The index cannot be kept in {0}: the folder cannot be created.', directory);
    throw new AppError('storeUnwritable', message, anotherStorage(), {
      cause: error,
    });
  }
}

/**
 * Resolves a path against the current folder, then against each workspace folder.
 * @throws UsageError, AppError('fileUnreadable')
 */
export function resolveInWorkspace(path: string, { folders }: Pick<Session, 'folders'>, command: CommandName): string {
  const candidates = [resolve(path), ...folders.map(({ directory }) => resolve(directory, path))];
  const byName = folders.find(({ name }) => path.startsWith(`${name}/`));
  if (byName) candidates.push(resolve(byName.directory, path.slice(byName.name.length + 1)));
  let closed: string | undefined;
  for (const candidate of candidates) {
    try {
      const real = realpathSync(candidate);
      if (folders.some(({ directory }) => real === directory || real.startsWith(directory + sep))) return real;
    } catch (error) {
      // The next candidate may exist.
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES' || code === 'EPERM') closed ??= candidate;
    }
  }
  if (closed !== undefined)
    throw new AppError(
      'fileUnreadable',
      l10n.t('{0} may not be read.', closed),
      l10n.t('Check the permissions of its folders.'),
    );
  throw new UsageError(
    existsSync(path) ? l10n.t('{0} is not in the workspace.', path) : l10n.t('There is no {0} in the workspace.', path),
    command,
  );
}

/** The scope that `--in` names. */
export function scopeOf(args: Arguments, session: Session, command: CommandName): Scope {
  if (!args.in) return { kind: 'workspace' };
  const absolute = resolveInWorkspace(args.in, session, command);
  if (!statSync(absolute).isDirectory()) return { kind: 'file', file: absolute };
  // Spans name folders the same way: relative to the workspace folder, with its name in front when there are several.
  const { folders } = session;
  const inside = folders
    .filter(({ directory }) => absolute === directory || absolute.startsWith(directory + sep))
    .sort((a, b) => b.directory.length - a.directory.length)[0];
  const path = relative(inside?.directory ?? absolute, absolute)
    .split(sep)
    .join('/');
  return { kind: 'folder', path: folders.length > 1 && inside ? `${inside.name}/${path}` : path };
}
