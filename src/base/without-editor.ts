/** Settings, storage and folder names of a session that no editor opens: the terminal's and the MCP server's. */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { WorkerSettings } from '../protocol';

export const DEFAULT_SETTINGS: WorkerSettings = {
  filesExclude: ['**/.git', '**/.svn', '**/.hg', '**/.DS_Store'],
  maxFileBytes: 4 * 1024 * 1024,
  modelDirectory: '',
  modelServer: '',
  allowedHosts: [],
  memoryBudgetBytes: 2 * 1024 ** 3,
  threads: 0,
  weights: 'auto',
};

/** The folder for caches by the conventions of the operating system. */
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

/** One folder for each set of workspace folders. Its name is a hash, because paths can be long. */
export function defaultStorage(directories: readonly string[]): string {
  const hash = createHash('sha256')
    .update([...directories].sort().join('\0'))
    .digest('hex')
    .slice(0, 16);
  return join(cacheDirectory(), 'workspaces', hash);
}

/** Paths begin with the folder's name when there are several, so names must differ. */
export function distinctNames<Folder extends { name: string }>(folders: readonly Folder[]): Folder[] {
  const seen = new Map<string, number>();
  return folders.map((folder) => {
    const count = (seen.get(folder.name) ?? 0) + 1;
    seen.set(folder.name, count);
    return { ...folder, name: count > 1 ? `${folder.name}-${count}` : folder.name };
  });
}
