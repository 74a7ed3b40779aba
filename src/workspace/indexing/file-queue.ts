import type { WalkedFile } from '../sources/walk';

/** Files that wait to be indexed, while a walk finds more. Open files go first. */
export class FileQueue {
  /** Number of files that were added. */
  added = 0;
  private readonly first: WalkedFile[] = [];
  private rest: WalkedFile[] = [];
  private next = 0;
  private ended = false;
  private waiting: (() => void)[] = [];

  constructor(private readonly isFirst: (path: string) => boolean) {}

  add(file: WalkedFile): void {
    (this.isFirst(file.path) ? this.first : this.rest).push(file);
    this.added++;
    this.waiting.pop()?.();
  }

  /** No further file comes. */
  end(): void {
    this.ended = true;
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** Drops the files that wait, and ends. */
  drop(): void {
    this.first.length = 0;
    this.rest = [];
    this.next = 0;
    this.end();
  }

  /** Resolves with the next file, or with undefined after the last one. */
  async take(): Promise<WalkedFile | undefined> {
    for (;;) {
      const file = this.first.shift() ?? this.rest[this.next];
      if (file) {
        if (file === this.rest[this.next]) this.next++;
        return file;
      }
      if (this.ended) return undefined;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }
}
