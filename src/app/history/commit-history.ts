/** The history that answers are made from: bounded in commits and time, and silent where there is none. */
import { join } from 'node:path';
import type { CommitHistory } from '../../assistant';
import { throwIfCancelled } from '../../base';
import type { Commit } from '../../protocol';
import { commitsOf, firstCommitOf, latestCommits } from './line-history';

/** Longest time (ms) that an answer waits for git. */
const PATIENCE = 4_000;
/** Latest commits whose messages are searched. */
const MOST_SEARCHED = 2_000;

/** @param folders absolute paths of the workspace's folders */
export function gitHistory(folders: readonly string[]): CommitHistory {
  return {
    ofLines: (span, signal) => attempt([], signal, (within) => commitsOf(span, within)),
    firstOfLines: (span, signal) => attempt(undefined, signal, (within) => firstCommitOf(span, within)),
    latest: async (signal) => {
      const found = await Promise.all(
        folders.map((folder) =>
          attempt<readonly (Commit & { file: string })[]>([], signal, async (within) =>
            (await latestCommits(folder, MOST_SEARCHED, within)).map((commit) => ({
              ...commit,
              file: join(folder, 'HEAD'),
            })),
          ),
        ),
      );
      return found.flat();
    },
  };
}

/** The result, or the fallback without git, repository or time. @throws the signal's reason when cancelled */
async function attempt<T>(
  fallback: T,
  signal: AbortSignal | undefined,
  work: (within: AbortSignal) => Promise<T>,
): Promise<T> {
  const patience = AbortSignal.timeout(PATIENCE);
  try {
    return await work(signal ? AbortSignal.any([signal, patience]) : patience);
  } catch {
    throwIfCancelled(signal);
    return fallback;
  }
}
