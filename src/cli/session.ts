/** What a command works with: the folders, the library over them, the models and the workspace's memories. */
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, relative, resolve, sep } from 'node:path';
import { AppError, formatNumber } from '../base';
import { makeDirectory } from '../base/node';
import type { Workspace } from '../workspace';
import type { Scope, WorkerSettings } from '../protocol';
import { Engines } from '../app/engines';
import { MemoryService } from '../app/memory-service';
import { chooseModels } from '../app/models';
import { saveIndexReport } from '../app/index-report';
import { openSearch, type Search } from '../app/open-search';
import { openWorkspace } from '../app/open-workspace';
import { type Arguments, type CommandName, UsageError, wholeNumber } from './arguments';
import { Progress } from './progress';
import { note } from './write';

export interface Session {
  folders: readonly { name: string; directory: string }[];
  storageDirectory: string;
  library: Workspace;
  search: Search;
  engines: Engines;
  /** Of the workspace; nothing is in it while no model with slots is loaded. */
  memories: MemoryService;
  /** Names of the models that are used, whether loaded or not. */
  models: { memory?: string; chat?: string };
  progress: Progress;
  /** Indexes what has changed and waits for it, showing progress. */
  index(signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

const DEFAULTS: WorkerSettings = {
  filesExclude: ['**/.git', '**/.svn', '**/.hg', '**/.DS_Store'],
  maxFileBytes: 4 * 1024 * 1024,
  modelDirectory: '',
  memoryBudgetBytes: 2 * 1024 ** 3,
  threads: 0,
  weights: 'auto',
};

/**
 * @throws UsageError when a folder does not exist, AppError when the storage or the model that was named cannot
 *   be used.
 */
export async function openSession(
  command: CommandName,
  args: Arguments,
  options: { model?: boolean | 'forStored' } = {},
): Promise<Session> {
  const folders = workspaceFolders(args, command);
  const storageDirectory = args.storage
    ? namedStorage(args.storage)
    : defaultStorage(folders.map(({ directory }) => directory));
  const settings: WorkerSettings = {
    ...DEFAULTS,
    modelDirectory: args['model-directory'] ? resolve(args['model-directory']) : '',
    threads: wholeNumber('threads', args.threads, 0, command),
    weights: weightsOf(args.weights, command),
  };
  const progress = new Progress(args.progress || (process.stderr.isTTY ?? false));
  const log = (level: string, message: string): void => {
    if (level === 'error' || process.env['ANCHORAGE_DEBUG']) note(message);
  };
  const library = await openWorkspace({ folders, storageDirectory, settings }, (notice) => note(notice));
  library.onStatus((status) => {
    const [indexed, known] = [status.filesIndexed, status.filesKnown].map((count) => formatNumber(count));
    const count = `${indexed} of ${known} files`;
    if (status.state === 'indexing') progress.update(status.progress, `indexing, ${count}`);
  });
  const engines = new Engines({ file: join(__dirname, 'inference.js'), log, changed: () => {} });
  const choices = await chooseModels({ modelsDirectory: join(cacheDirectory(), 'models'), settings });
  // A search loads the model only where it has memories to use.
  const model = options.model === 'forStored' ? existsSync(join(storageDirectory, 'memories')) : options.model;
  if (model) await engines.choose(choices);
  const { status: named } = engines.chat.status.state === 'none' ? engines.memory : engines.chat;
  if (settings.modelDirectory && named.state === 'failed') {
    // A model that was asked for by name is not quietly done without.
    engines.close();
    await library.close();
    throw new AppError(
      'modelFailed',
      `The model in ${settings.modelDirectory} cannot be used. ${named.detail}`,
      'Without --model-directory the answer quotes the sources.',
    );
  }
  const memories = new MemoryService({
    library,
    engine: engines.memory,
    storageDirectory,
    budgetBytes: settings.memoryBudgetBytes,
    warn: (message) => note(message),
    changed: () => {
      const { status } = memories;
      if (status?.counting) progress.update(0, 'memories, counting segments');
      else if (status && status.segments > 0)
        progress.update(
          status.encoded / status.segments,
          `memories, ${formatNumber(status.encoded)} of ${formatNumber(status.segments)} segments`,
        );
    },
  });
  return {
    folders,
    storageDirectory,
    library,
    search: openSearch(library, memories),
    engines,
    memories,
    models: {
      ...(choices.memory ? { memory: basename(choices.memory.directory) } : {}),
      ...(choices.chat ? { chat: basename(choices.chat.directory) } : {}),
    },
    progress,
    index: async (signal) => {
      await library.start(signal);
      progress.done();
      signal?.throwIfAborted();
      const status = library.status();
      if (status.state === 'failed') throw new Error(status.reason);
      await saveIndexReport(storageDirectory, status);
    },
    close: async () => {
      await memories.end();
      engines.close();
      await library.close();
    },
  };
}

function workspaceFolders({ workspace }: Arguments, command: CommandName): { name: string; directory: string }[] {
  const directories = (workspace.length > 0 ? workspace : [process.cwd()]).map((each) => resolve(each));
  const folders = [...new Set(directories)].map((directory) => {
    let isFolder = false;
    try {
      isFolder = statSync(directory).isDirectory();
    } catch {
      // Said below.
    }
    if (!isFolder) throw new UsageError(`${directory} is not a folder.`, command);
    return { name: basename(directory) || directory, directory: realpathSync(directory) };
  });
  const seen = new Map<string, number>();
  // Paths begin with the folder's name when there are several, so names must differ.
  return folders.map(({ name, directory }) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return { name: count > 1 ? `${name}-${count}` : name, directory };
  });
}

function weightsOf(value: string | undefined, command: CommandName): WorkerSettings['weights'] {
  if (value === undefined) return 'auto';
  if (value === 'auto' || value === 'f32' || value === '8bit' || value === '4bit') return value;
  throw new UsageError(`--weights takes auto, f32, 8bit or 4bit, not “${value}”.`, command);
}

/** Where the operating system wants caches. */
export function cacheDirectory(
  env: NodeJS.ProcessEnv = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env['XDG_CACHE_HOME']) return join(env['XDG_CACHE_HOME'], 'anchorage');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'anchorage');
  if (platform === 'win32')
    return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'anchorage', 'cache');
  return join(homedir(), '.cache', 'anchorage');
}

const ANOTHER_STORAGE = 'Name another folder with --storage, or leave it out.';

/**
 * A storage that was asked for by name is not quietly done without. @throws AppError when nothing can be kept
 * there
 */
function namedStorage(path: string): string {
  const directory = resolve(path);
  try {
    makeDirectory(directory);
    accessSync(directory, constants.W_OK | constants.X_OK);
    if (statSync(directory).isDirectory()) return directory;
    throw new AppError(
      'storeUnwritable',
      `The index cannot be kept in ${directory}: it is no folder.`,
      ANOTHER_STORAGE,
    );
  } catch (error) {
    if (error instanceof AppError) throw error;
    const { code = '' } = error as NodeJS.ErrnoException;
    const why = /^E(ACCES|PERM|ROFS)$/.test(code)
      ? 'it may not be written'
      : code === 'ENOSPC'
        ? 'the disk is full'
        : 'such a folder cannot be made';
    throw new AppError('storeUnwritable', `The index cannot be kept in ${directory}: ${why}.`, ANOTHER_STORAGE, {
      cause: error,
    });
  }
}

/** One folder for each set of workspace folders; a hash, because paths can be long and hold anything. */
function defaultStorage(directories: readonly string[]): string {
  const hash = createHash('sha256')
    .update([...directories].sort().join('\0'))
    .digest('hex')
    .slice(0, 16);
  return join(cacheDirectory(), 'workspaces', hash);
}

/**
 * An absolute path, looked for below the current folder and below each workspace folder. @throws UsageError,
 * AppError('fileUnreadable')
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
    throw new AppError('fileUnreadable', `${closed} may not be read.`, 'Check the permissions of its folders.');
  throw new UsageError(
    existsSync(path) ? `${path} is not in the workspace.` : `There is no ${path} in the workspace.`,
    command,
  );
}

/** The scope that `--in` names. */
export function scopeOf(args: Arguments, session: Session, command: CommandName): Scope {
  if (!args.in) return { kind: 'workspace' };
  const absolute = resolveInWorkspace(args.in, session, command);
  if (!statSync(absolute).isDirectory()) return { kind: 'file', file: absolute };
  // A folder is named as the paths of spans begin: relative to its workspace folder, after that one's name where there
  // are several.
  const { folders } = session;
  const inside = folders
    .filter(({ directory }) => absolute === directory || absolute.startsWith(directory + sep))
    .sort((a, b) => b.directory.length - a.directory.length)[0];
  const path = relative(inside?.directory ?? absolute, absolute)
    .split(sep)
    .join('/');
  return { kind: 'folder', path: folders.length > 1 && inside ? `${inside.name}/${path}` : path };
}
