/**
 * A double of node:fs whose n-th call on our files fails, as in SQLite's fault injection. It wraps the real functions,
 * so that everything before the fault really happens.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

export interface Fault {
  /** Number of the call that fails, from 1; 0 for none. */
  at: number;
  /** Error code of the system, such as ENOSPC. */
  code: string;
  /** Every later call that writes fails too, as on a full disk. */
  sticky?: boolean;
}

const NONE: Fault = { at: 0, code: 'EIO' };
/** Calls that a full disk refuses. */
const WRITES = /^(?:write|append|fsync|sync|datasync|mkdir|rename|truncate|ftruncate|copyFile|mkdtemp)/;
const FULL = /^E(?:NOSPC|DQUOT|ROFS)$/;

const SYNC =
  'openSync readSync writeSync fstatSync fsyncSync ftruncateSync writeFileSync readFileSync renameSync mkdirSync rmSync ' +
  'statSync lstatSync utimesSync readdirSync existsSync accessSync realpathSync';
const PROMISES =
  'readFile writeFile appendFile rename rm mkdir readdir stat lstat unlink truncate utimes copyFile statfs realpath access';
const HANDLE = 'read write writev readFile writeFile appendFile sync datasync truncate stat';
/** Calls that report a failure as an answer, not as an error. */
const SILENT = new Set(['existsSync']);

type Any = (...args: unknown[]) => unknown;

export class FaultyFiles {
  /** Calls so far on our files. */
  calls = 0;
  private fault = NONE;
  private readonly ours = new Set<number>();
  private readonly handles = new WeakSet<object>();
  private readonly undo: (() => void)[] = [];
  private wrappedHandles = false;

  /** @param under only calls on paths below this folder count and fail */
  constructor(private readonly under: string) {}

  /** Wraps node:fs for this process. */
  install(): this {
    for (const name of SYNC.split(' ')) this.wrap(fs, name, false);
    for (const name of PROMISES.split(' ')) this.wrap(fs.promises, name, true);
    this.wrapClose();
    this.wrapOpen();
    syncBuiltinESMExports();
    return this;
  }

  uninstall(): void {
    for (const undo of this.undo.splice(0).reverse()) undo();
    syncBuiltinESMExports();
  }

  /** Counts from zero; the fault's call fails. */
  arm(fault: Fault): void {
    this.calls = 0;
    this.fault = fault;
  }

  disarm(): void {
    this.fault = NONE;
  }

  private next(name: string): NodeJS.ErrnoException | undefined {
    this.calls++;
    const { at, code, sticky = false } = this.fault;
    if (at === 0 || this.calls < at || (this.calls > at && !(sticky && WRITES.test(name)))) return undefined;
    if (FULL.test(code) && !WRITES.test(name)) return undefined;
    return Object.assign(new Error(`${code}: injected, ${name}`), { code, syscall: name });
  }

  private isOurs(target: unknown): boolean {
    if (typeof target === 'number') return this.ours.has(target);
    return typeof target === 'string' && target.startsWith(this.under);
  }

  private replace(owner: object, name: string, make: (original: Any) => Any): void {
    const methods = owner as Record<string, Any>;
    const original = methods[name];
    if (typeof original !== 'function') return;
    const replacement = make(original);
    // realpathSync.native and its like.
    Object.assign(replacement, original);
    methods[name] = replacement;
    this.undo.push(() => (methods[name] = original));
  }

  private wrap(owner: object, name: string, asynchronous: boolean, seen?: (self: unknown) => boolean): void {
    const { ours } = this;
    const fails = (self: unknown, target: unknown): NodeJS.ErrnoException | undefined =>
      (seen ? seen(self) : this.isOurs(target)) ? this.next(name) : undefined;
    this.replace(
      owner,
      name,
      (original) =>
        function (this: unknown, ...args: unknown[]): unknown {
          const error = fails(this, args[0]);
          if (error && SILENT.has(name)) return false;
          if (error && asynchronous) return Promise.reject(error);
          if (error) throw error;
          const result = original.apply(this, args);
          if (name === 'openSync' && typeof result === 'number') ours.add(result);
          return result;
        },
    );
    if (name === 'openSync') this.rememberOpened(owner);
  }

  /** Only descriptors of our own files are ours. */
  private rememberOpened(owner: object): void {
    const { ours } = this;
    const isOurs = (target: unknown): boolean => this.isOurs(target);
    this.replace(
      owner,
      'openSync',
      (original) =>
        function (this: unknown, ...args: unknown[]): unknown {
          const result = original.apply(this, args);
          if (!isOurs(args[0])) ours.delete(result as number);
          return result;
        },
    );
  }

  /** Closing never fails: the descriptor is gone either way. */
  private wrapClose(): void {
    const { ours } = this;
    this.replace(
      fs,
      'closeSync',
      (original) =>
        function (this: unknown, ...args: unknown[]): unknown {
          ours.delete(args[0] as number);
          return original.apply(this, args);
        },
    );
  }

  private wrapOpen(): void {
    this.replace(fs.promises, 'open', (original) => async (...args) => {
      if (!this.isOurs(args[0])) return original(...args);
      const error = this.next('open');
      if (error) throw error;
      const handle = (await original(...args)) as object;
      this.handles.add(handle);
      if (!this.wrappedHandles) {
        this.wrappedHandles = true;
        const prototype = Object.getPrototypeOf(handle) as object;
        for (const name of HANDLE.split(' '))
          this.wrap(prototype, name, true, (self) => this.handles.has(self as object));
      }
      return handle;
    });
  }
}
