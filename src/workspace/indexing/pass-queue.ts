import type { WalkedFile } from '../sources/walk';

/** Files that a pass has yet to index. They are taken in the order given, except those that a question waits for. */
export class PassQueue {
  private readonly waiting: Map<string, WalkedFile>;
  /** Files that were taken and are being indexed, by path. */
  private readonly taken = new Map<string, WalkedFile>();
  private urgent: string[] = [];
  private readonly watchers = new Set<{ left: Set<string>; resolve: () => void }>();
  private readonly idle = new Set<() => void>();

  constructor(files: readonly WalkedFile[]) {
    this.waiting = new Map(files.map((file) => [file.path, file]));
  }

  /** Files that are not indexed yet, those that are being indexed included. */
  get files(): WalkedFile[] {
    return [...this.taken.values(), ...this.waiting.values()];
  }

  take(): WalkedFile | undefined {
    let path = this.urgent.shift();
    while (path !== undefined && !this.waiting.has(path)) path = this.urgent.shift();
    path ??= this.waiting.keys().next().value;
    const file = path === undefined ? undefined : this.waiting.get(path);
    if (!file) return undefined;
    this.waiting.delete(file.path);
    this.taken.set(file.path, file);
    if (this.waiting.size === 0) this.wake();
    return file;
  }

  done(path: string): void {
    this.taken.delete(path);
    for (const watcher of this.watchers) {
      watcher.left.delete(path);
      if (watcher.left.size > 0) continue;
      this.watchers.delete(watcher);
      watcher.resolve();
    }
  }

  /** Moves files to the front, in this order. Resolves when all of them are indexed, or the pass has ended. */
  advance(paths: readonly string[]): Promise<void> {
    const left = new Set(paths.filter((path) => this.waiting.has(path) || this.taken.has(path)));
    if (left.size === 0) return Promise.resolve();
    this.urgent = [...paths, ...this.urgent];
    this.wake();
    return new Promise((resolve) => this.watchers.add({ left, resolve }));
  }

  /** Resolves when the next file is one that a question waits for, or there is none; else with `otherwise`. */
  urgentOr(otherwise: Promise<void>): Promise<void> {
    if (this.waiting.size === 0 || this.urgent.some((path) => this.waiting.has(path))) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.idle.delete(wake);
        resolve();
      };
      this.idle.add(wake);
      void otherwise.then(wake);
    });
  }

  private wake(): void {
    for (const wake of this.idle) wake();
  }

  /** Ends the wait of everyone: the pass has ended. */
  close(): void {
    for (const { resolve } of this.watchers) resolve();
    this.watchers.clear();
  }
}
