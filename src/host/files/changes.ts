/** A change of a file on disk, as sent to the worker. */
export interface FileChange {
  file: string;
  type: 'created' | 'changed' | 'deleted';
}

/** Milliseconds without events after which a burst is sent, and the longest wait during a burst. */
const QUIET = 120;
const LONGEST = 1_000;
/** Maximum changes in one message. A branch switch changes thousands of files, and must not block the host. */
export const CHANGES_PER_MESSAGE = 500;

/**
 * Gathers file events into messages, with one entry per file. A burst (a branch switch) is sent in parts, and the event
 * loop runs between them.
 */
export class ChangeQueue {
  private readonly pending = new Map<string, FileChange['type']>();
  private timer: NodeJS.Timeout | undefined;
  private oldest = 0;

  constructor(
    private readonly send: (changes: FileChange[]) => void,
    private readonly timing = { quiet: QUIET, longest: LONGEST },
  ) {}

  add(file: string, type: FileChange['type'], soon = false): void {
    if (this.pending.size === 0) this.oldest = Date.now();
    this.pending.set(file, merge(this.pending.get(file), type));
    const left = Math.max(0, this.oldest + this.timing.longest - Date.now());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), soon ? 0 : Math.min(this.timing.quiet, left));
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.pending.clear();
  }

  /** Sends the gathered changes in parts. */
  flush(): void {
    clearTimeout(this.timer);
    const part: FileChange[] = [];
    for (const [file, type] of this.pending) {
      part.push({ file, type });
      this.pending.delete(file);
      if (part.length === CHANGES_PER_MESSAGE) break;
    }
    if (part.length > 0) this.send(part);
    if (this.pending.size > 0) this.timer = setTimeout(() => this.flush(), 0);
  }
}

/** Merges two events of a file: created then changed is created; deleted then created is changed. */
function merge(before: FileChange['type'] | undefined, now: FileChange['type']): FileChange['type'] {
  if (before === 'created' && now === 'changed') return 'created';
  if (before === 'deleted' && now === 'created') return 'changed';
  return now;
}

/** True for files whose changes matter. Inside `.git` only the branch and the exclude file do. */
export function isRelevant(file: string): boolean {
  const inside = /[\\/]\.git[\\/](.*)$/.exec(file)?.[1];
  return inside === undefined || /^(HEAD|info[\\/]exclude)$/.test(inside);
}
