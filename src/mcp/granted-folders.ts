/** The folders that a server may read: those of its command line, within the roots that the client grants. */
import { realpathSync, statSync } from 'node:fs';
import { basename, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../base';
import { distinctNames } from '../base/node';
import type { FolderParams } from '../protocol';

/**
 * Returns the folders with their real paths. Without named folders they are the roots, or the current folder for a
 * client without roots. A root inside a named folder narrows it; a named folder outside all roots is left out.
 *
 * @param roots URIs of the client's roots; undefined for a client that has none
 * @throws AppError('notIndexed') when no folder is left
 */
export function grantedFolders(named: readonly string[], roots: readonly string[] | undefined): FolderParams[] {
  const asked = real(named);
  const granted = roots && real(roots.flatMap(rootDirectory));
  const directories = !granted
    ? asked.length > 0
      ? asked
      : real([process.cwd()])
    : asked.length === 0
      ? granted
      : [
          ...asked.filter((directory) => granted.some((root) => isWithin(directory, root))),
          ...granted.filter((root) => asked.some((directory) => isWithin(root, directory))),
        ];
  if (directories.length === 0)
    throw new AppError(
      'notIndexed',
      granted ? 'The client grants no folder of this workspace.' : 'No folder of the workspace exists.',
      'Open a folder in the client, or name one with --workspace.',
    );
  const folders = [...new Set(directories)].map((directory) => ({ name: basename(directory) || directory, directory }));
  return distinctNames(folders);
}

/** The directory of a root; roots that are no local folder grant nothing here. */
function rootDirectory(uri: string): string[] {
  try {
    return [fileURLToPath(uri)];
  } catch {
    return [];
  }
}

/** Real paths of the folders that exist. */
function real(directories: readonly string[]): string[] {
  return directories.flatMap((directory) => {
    try {
      return statSync(directory).isDirectory() ? [realpathSync(directory)] : [];
    } catch {
      return [];
    }
  });
}

export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);
}
