import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { excludesFile } from './git-config';
import { readSmallText } from './regular-file';
import type { SkipReason } from './skip-reason';

/** Options for reading a `.git` file, which contains one path. */
const POINTER = { maxBytes: 1 << 16 };

export function isRepositoryRoot(directory: string): boolean {
  return existsSync(join(directory, '.git'));
}

/** Returns the nearest directory at or above `folder` that has a `.git`. */
export function findRepository(folder: string): string | undefined {
  for (let directory = folder; ; directory = dirname(directory)) {
    if (isRepositoryRoot(directory)) return directory;
    if (dirname(directory) === directory) return undefined;
  }
}

/**
 * Returns the files besides `.gitignore` that exclude files of a repository, weakest first: `core.excludesFile`, then
 * `info/exclude`. A linked work tree uses those of its main repository.
 */
export function repositoryExcludes(repository: string): { path: string; reason: SkipReason }[] {
  const gitDirectory = commonDirectory(repository);
  const everywhere = excludesFile(repository, gitDirectory);
  return [
    ...(everywhere === undefined ? [] : [{ path: everywhere, reason: 'core.excludesFile' as const }]),
    { path: join(gitDirectory, 'info', 'exclude'), reason: 'info/exclude' as const },
  ];
}

/** Returns the directory with the index of a work tree: `.git`, or the target of a `.git` file. */
export function indexDirectory(repository: string): string {
  const dotGit = join(repository, '.git');
  try {
    const target = statSync(dotGit).isFile()
      ? /^gitdir:\s*(.+?)\s*$/m.exec(readSmallText(dotGit, POINTER) ?? '')?.[1]
      : undefined;
    return target ? resolve(repository, target) : dotGit;
  } catch {
    return dotGit;
  }
}

/** Returns the directory with the configuration and `info` of a repository: `.git`, or the target of a `.git` file. */
function commonDirectory(repository: string): string {
  const dotGit = join(repository, '.git');
  try {
    if (statSync(dotGit).isFile()) {
      const target = /^gitdir:\s*(.+?)\s*$/m.exec(readSmallText(dotGit, POINTER) ?? '')?.[1];
      if (target) {
        const gitDirectory = resolve(repository, target);
        const common = join(gitDirectory, 'commondir');
        return existsSync(common) ? resolve(gitDirectory, (readSmallText(common, POINTER) ?? '').trim()) : gitDirectory;
      }
    }
  } catch {
    // The file is unreadable, so it excludes nothing.
  }
  return dotGit;
}

/**
 * Whether a folder is another repository. Inside a repository it is always excluded; a plain folder of clones is
 * walked.
 */
export function nestedRepository(directory: string, insideRepository: boolean): SkipReason | undefined {
  if (!insideRepository) return undefined;
  const dotGit = join(directory, '.git');
  try {
    if (!statSync(dotGit).isFile()) return 'nested repository';
    const target = readSmallText(dotGit, POINTER) ?? '';
    return /[\\/]modules[\\/]/.test(target)
      ? 'submodule'
      : /[\\/]worktrees[\\/]/.test(target)
        ? 'nested work tree'
        : 'nested repository';
  } catch {
    return undefined;
  }
}
