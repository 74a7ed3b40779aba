import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { IndexStatus } from '../protocol';
import { SerialQueue } from '../base';

/** The facts of the last pass over a workspace that the store itself does not hold. */
export type IndexReport = Pick<IndexStatus, 'filesKnown' | 'problems' | 'moreProblems' | 'skipped'> & {
  /** Milliseconds since 1970 when the pass ended. */
  finishedAt: number;
};

const FILE = 'last-index.json';

type IndexFacts = Pick<IndexStatus, 'state' | 'filesKnown' | 'problems' | 'moreProblems' | 'skipped'>;

/**
 * Keeps the report beside the index up to date. A report that cannot be written is left out: it is a convenience, and
 * the index itself reports a full or read-only disk.
 */
export class IndexReportWriter {
  private readonly writes = new SerialQueue();
  private last: { state: string; facts: string } = { state: '', facts: '' };

  constructor(private readonly storageDirectory: string) {}

  /** Saves the facts when a pass has ended, and when file events have changed them since. */
  update({ state, filesKnown, problems, moreProblems = 0, skipped }: IndexFacts): void {
    const before = this.last;
    const facts = state === 'ready' ? JSON.stringify({ filesKnown, problems, moreProblems, skipped }) : before.facts;
    this.last = { state, facts };
    if (state !== 'ready' || (before.state === 'ready' && before.facts === facts)) return;
    const more = moreProblems > 0 ? { moreProblems } : {};
    const report: IndexReport = { filesKnown, problems, ...more, skipped, finishedAt: Date.now() };
    void this.writes.run(() => this.write(report));
  }

  /** Resolves when every report so far is written. */
  saved(): Promise<void> {
    return this.writes.run(() => Promise.resolve());
  }

  /** Removes the report of an index that is discarded. */
  remove(): Promise<void> {
    this.last = { state: '', facts: '' };
    return this.writes.run(() => rm(join(this.storageDirectory, FILE), { force: true }).catch(() => {}));
  }

  private async write(report: IndexReport): Promise<void> {
    const partial = join(this.storageDirectory, `${FILE}.${process.pid}.partial`);
    try {
      await writeFile(partial, JSON.stringify(report));
      await rename(partial, join(this.storageDirectory, FILE));
    } catch {
      await rm(partial, { force: true }).catch(() => {});
    }
  }
}

/** The report of the last pass; undefined where there was none or it is damaged. */
export async function readIndexReport(storageDirectory: string): Promise<IndexReport | undefined> {
  try {
    const report = JSON.parse(await readFile(join(storageDirectory, FILE), 'utf8')) as Partial<IndexReport>;
    const { filesKnown, problems, moreProblems, skipped, finishedAt } = report;
    if (typeof filesKnown !== 'number' || typeof finishedAt !== 'number') return undefined;
    return Array.isArray(problems) && Array.isArray(skipped)
      ? { filesKnown, problems, ...(typeof moreProblems === 'number' ? { moreProblems } : {}), skipped, finishedAt }
      : undefined;
  } catch {
    return undefined;
  }
}
