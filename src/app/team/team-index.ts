/** The index of a workspace and a team's store: `push` commits it, and a workspace without an index takes it. */
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { messageOf } from '../../base';
import type { FolderParams, SharedMemorySettings } from '../../protocol';
import {
  commitIndex,
  type IndexPlace,
  openPlace,
  type Patience,
  PatientStore,
  type PushedIndex,
  takeIndex,
} from '../../team';
import { indexFiles, indexFolder, indexFormat, parseGitConfig } from '../../workspace';

export interface IndexOwner {
  folders: readonly FolderParams[];
  storageDirectory: string;
  settings: SharedMemorySettings;
}

/** Commits the index of an indexed workspace. @throws AppError, ObjectStoreError */
export async function commitWorkspaceIndex(
  owner: IndexOwner,
  patience: Patience,
  signal?: AbortSignal,
): Promise<PushedIndex> {
  const directory = indexFolder(owner.storageDirectory);
  return commitIndex(await placeOf(owner, patience), directory, await indexFiles(directory), signal);
}

/**
 * Takes the team's index, if this workspace has none yet. Never rejects: without it the workspace is indexed here.
 */
export async function takeWorkspaceIndex(
  owner: IndexOwner,
  options: { patience: Patience; signal?: AbortSignal | undefined; warn?: (message: string) => void },
): Promise<boolean> {
  const directory = indexFolder(owner.storageDirectory);
  if ((await indexFiles(directory)).length > 0) return false;
  try {
    return (await takeIndex(await placeOf(owner, options.patience), directory, options.signal)) !== undefined;
  } catch (error) {
    options.warn?.(`The team’s index was not read: ${messageOf(error)}`);
    return false;
  }
}

async function placeOf({ settings, folders }: IndexOwner, patience: Patience): Promise<IndexPlace> {
  const place = await openPlace(settings);
  const repository = await repositoryOf(folders);
  return { ...place, store: new PatientStore(place.store, patience), version: indexFormat(), repository };
}

/** How everyone in the team names these folders: by their origins, without user, scheme and suffix. */
async function repositoryOf(folders: readonly FolderParams[]): Promise<string> {
  const names = await Promise.all(
    folders.map(async ({ directory }) => {
      const text = await readFile(join(directory, '.git', 'config'), 'utf8').catch(() => '');
      const url = parseGitConfig(text).find(({ key }) => key === 'remote.origin.url')?.value;
      return url === undefined ? basename(directory) : normalized(url);
    }),
  );
  return names.join('\n');
}

/** `git@host:a/b.git`, `https://user@host/a/b` and `ssh://host/a/b` are one repository. */
export function normalized(url: string): string {
  return url
    .trim()
    .replace(/^[a-z+]+:\/\//i, '')
    .replace(/^[^@/]*@/, '')
    .replace(/^([^/:]+):(?!\d+\/)/, '$1/')
    .replace(/(?:\.git)?\/*$/, '')
    .toLowerCase();
}
