import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Milliseconds of work between two turns of the event loop. */
export const SLICE_MS = 8;
/** Entries that are read and sorted at once. */
const RUN = 2_048;

/**
 * The entries of a directory in order of their names (by UTF-16 units). A directory may have hundreds of thousands, so
 * they are read and merged in steps between which the event loop turns.
 *
 * @throws the error of the file system, or the signal's reason
 */
export async function listDirectory(directory: string, signal?: AbortSignal): Promise<Dirent[]> {
  let runs: Dirent[][] = [];
  let run: Dirent[] = [];
  for await (const dirent of await opendir(directory, { bufferSize: RUN })) {
    run.push(dirent);
    if (run.length < RUN) continue;
    runs.push(run.sort(byName));
    run = [];
    await nextTurn();
    signal?.throwIfAborted();
  }
  runs.push(run.sort(byName));
  let since = performance.now();
  while (runs.length > 1) {
    const merged: Dirent[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      const first = runs[i] ?? [];
      const second = runs[i + 1] ?? [];
      const target: Dirent[] = [];
      for (let a = 0, b = 0; a < first.length || b < second.length;) {
        const next = before(first[a], second[b]) ? first[a++] : second[b++];
        if (next) target.push(next);
        if (target.length % RUN === 0 && performance.now() - since > SLICE_MS) {
          await nextTurn();
          signal?.throwIfAborted();
          since = performance.now();
        }
      }
      merged.push(target);
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/** Whether the first entry comes next. */
const before = (first: Dirent | undefined, second: Dirent | undefined): boolean =>
  first !== undefined && (second === undefined || first.name <= second.name);
