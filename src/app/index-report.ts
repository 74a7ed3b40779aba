import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IndexStatus } from '../protocol';

/** The facts of the last pass over a workspace that the store itself does not hold. */
export type IndexReport = Pick<IndexStatus, 'filesKnown' | 'problems' | 'skipped'> & {
  /** Milliseconds since 1970 when the pass ended. */
  finishedAt: number;
};

const FILE = 'last-index.json';

/** Keeps the report beside the index. A report that cannot be written is left out: it is a convenience. */
export async function saveIndexReport(
  storageDirectory: string,
  { filesKnown, problems, skipped }: Pick<IndexStatus, 'filesKnown' | 'problems' | 'skipped'>,
): Promise<void> {
  const report: IndexReport = { filesKnown, problems, skipped, finishedAt: Date.now() };
  const partial = join(storageDirectory, `${FILE}.${process.pid}.partial`);
  try {
    await writeFile(partial, JSON.stringify(report));
    await rename(partial, join(storageDirectory, FILE));
  } catch {
    // A full or read-only disk; the index itself says so.
  }
}

/** The report of the last pass; undefined where there was none or it is damaged. */
export async function readIndexReport(storageDirectory: string): Promise<IndexReport | undefined> {
  try {
    const report = JSON.parse(await readFile(join(storageDirectory, FILE), 'utf8')) as Partial<IndexReport>;
    const { filesKnown, problems, skipped, finishedAt } = report;
    if (typeof filesKnown !== 'number' || typeof finishedAt !== 'number') return undefined;
    return Array.isArray(problems) && Array.isArray(skipped)
      ? { filesKnown, problems, skipped, finishedAt }
      : undefined;
  } catch {
    return undefined;
  }
}
