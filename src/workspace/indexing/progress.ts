import * as l10n from '@vscode/l10n';
import type { IndexState, IndexStatus } from '../../protocol';
import { MAX_PROBLEMS, type WalkReport } from '../sources/walk';

/** The workspace's part of the index status. The worker adds the status of the model. */
export type WorkspaceStatus = Omit<IndexStatus, 'model' | 'memories'>;

const REPORT_MS = 200;
/** Share of a pass's progress that the walk takes. The number of files is known only after it. */
const WALKING = 0.03;

/**
 * State and progress of indexing. Progress never decreases within a pass. Listeners are notified a few times a second.
 */
export class Progress {
  state: IndexState = 'idle';
  reason = l10n.t('Not started');
  /** Files found by the current or the last walk. */
  known = 0;
  /** Files of the pass that are done. */
  done = 0;
  walk: WalkReport | undefined;
  private fraction = 0;
  private readonly unreadable = new Map<string, string>();
  private readonly skippedAtReading = new Map<string, string>();
  private readonly listeners = new Set<() => void>();
  private timer: NodeJS.Timeout | undefined;
  private lastReport = 0;

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  begin(walk: WalkReport): void {
    this.walk = walk;
    this.known = 0;
    this.done = 0;
    this.fraction = 0;
    this.unreadable.clear();
    this.skippedAtReading.clear();
  }

  set(state: IndexState, reason: string): void {
    this.state = state;
    this.reason = reason;
    this.changed(true);
  }

  /** Progress, 0…1. */
  get value(): number {
    if (this.state === 'ready') return 1;
    const reached =
      this.state === 'walking'
        ? WALKING * (1 - 1 / (1 + this.known / 1_000))
        : this.known === 0
          ? 0
          : WALKING + (1 - WALKING) * (this.done / this.known);
    this.fraction = Math.min(1, Math.max(this.fraction, this.state === 'idle' ? 0 : reached));
    return this.fraction;
  }

  problem(path: string, reason: string): void {
    this.unreadable.set(path, reason);
  }

  /** Records a file that turned out not to be text. */
  skip(path: string, reason: string): void {
    this.skippedAtReading.set(path, reason);
  }

  settle(path: string): void {
    this.unreadable.delete(path);
    this.skippedAtReading.delete(path);
  }

  get problems(): { path: string; reason: string }[] {
    return [...(this.walk?.problems ?? []), ...[...this.unreadable].map(([path, reason]) => ({ path, reason }))].slice(
      0,
      MAX_PROBLEMS,
    );
  }

  /** Number of problems beyond those. */
  get moreProblems(): number {
    const { problems, moreProblems } = this.walk ?? { problems: [], moreProblems: 0 };
    return moreProblems + Math.max(0, problems.length + this.unreadable.size - MAX_PROBLEMS);
  }

  get skipped(): { reason: string; files: number }[] {
    const counts = new Map<string, number>(this.walk?.skipped ?? []);
    for (const reason of this.skippedAtReading.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return [...counts].map(([reason, files]) => ({ reason, files })).sort((a, b) => b.files - a.files);
  }

  changed(atOnce = false): void {
    const wait = this.lastReport + REPORT_MS - Date.now();
    if (atOnce || wait <= 0) {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.lastReport = Date.now();
      for (const listener of this.listeners) listener();
    } else if (!this.timer) {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.changed(true);
      }, wait);
      this.timer.unref();
    }
  }

  close(): void {
    clearTimeout(this.timer);
    this.listeners.clear();
  }
}
