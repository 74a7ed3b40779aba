import { availableParallelism } from 'node:os';
import { type IndexSettings, type StoreOptions, Workspace } from '../workspace';
import type { FolderParams, WorkerSettings } from '../protocol';

export interface OpenOptions {
  folders: readonly FolderParams[];
  storageDirectory: string;
  /** How the index is used when another process writes it. Default: with a second copy. */
  store?: StoreOptions;
  settings: WorkerSettings;
  /** Awaited before each file of a pass. */
  yieldToForeground?: () => Promise<void>;
}

/**
 * Opens the workspace with half the cores (two to four) as indexing threads, so that the machine stays usable. Passes
 * problems of the store to `warn`.
 */
export async function openWorkspace(
  { folders, storageDirectory, store, settings, yieldToForeground }: OpenOptions,
  warn: (message: string) => void,
): Promise<Workspace> {
  const threads = Math.min(4, Math.max(2, Math.floor(availableParallelism() / 2)));
  const library = await Workspace.open({
    folders,
    storageDirectory,
    ...(store ? { store } : {}),
    settings: indexSettings(settings),
    threads,
    yieldToForeground,
  });
  for (const notice of library.notices) warn(notice);
  return library;
}

export function indexSettings({ filesExclude, maxFileBytes, secrets, followLinks }: WorkerSettings): IndexSettings {
  return { filesExclude, maxFileBytes, ...(secrets ? { secrets } : {}), ...(followLinks ? { followLinks } : {}) };
}
