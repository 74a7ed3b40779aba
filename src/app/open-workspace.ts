import { availableParallelism } from 'node:os';
import { Workspace } from '../workspace';
import type { FolderParams, WorkerSettings } from '../protocol';

export interface OpenOptions {
  folders: readonly FolderParams[];
  storageDirectory: string;
  settings: WorkerSettings;
  /** Awaited before each file of a pass. */
  yieldToForeground?: () => Promise<void>;
}

/**
 * Opens the library with as many indexing threads as leave the machine usable, and tells what was amiss with the store.
 */
export async function openWorkspace(
  { folders, storageDirectory, settings, yieldToForeground }: OpenOptions,
  warn: (message: string) => void,
): Promise<Workspace> {
  const threads = Math.min(4, Math.max(2, Math.floor(availableParallelism() / 2)));
  const library = await Workspace.open({
    folders,
    storageDirectory,
    settings: indexSettings(settings),
    threads,
    yieldToForeground,
  });
  for (const notice of library.notices) warn(notice);
  return library;
}

export function indexSettings({ filesExclude, maxFileBytes }: WorkerSettings): {
  filesExclude: readonly string[];
  maxFileBytes: number;
} {
  return { filesExclude, maxFileBytes };
}
