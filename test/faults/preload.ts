/**
 * Loaded before a command: the n-th call of node:fs on a path below FAULT_UNDER fails with FAULT_CODE, as in SQLite's
 * fault injection. With FAULT_STICKY all later calls that write fail too, as on a full disk. The number of calls is
 * written to FAULT_COUNT at the end.
 */
import fs from 'node:fs';

const under = process.env['FAULT_UNDER'] ?? '';
const at = Number(process.env['FAULT_AT'] ?? 0);
const code = process.env['FAULT_CODE'] ?? 'EIO';
const sticky = process.env['FAULT_STICKY'] === '1';
/** Calls that a full disk refuses. */
const WRITES = /^(?:write|fsync|sync|datasync|mkdir|rename|truncate)/;
const real = { writeFileSync: fs.writeFileSync };
const ours = new Set<number>();
let calls = 0;

function fault(name: string): NodeJS.ErrnoException | undefined {
  calls++;
  if (at === 0 || (calls !== at && !(sticky && calls > at && WRITES.test(name)))) return undefined;
  if (code === 'ENOSPC' && !WRITES.test(name)) return undefined;
  return Object.assign(new Error(`${code}: injected, ${name}`), { code, syscall: name });
}

type Any = (...args: unknown[]) => unknown;
const isOurs = (target: unknown): boolean =>
  typeof target === 'number' ? ours.has(target) : typeof target === 'string' && target.startsWith(under);

/** Replaces a method by one that may fail. */
function wrap(
  owner: object,
  name: string,
  asynchronous: boolean,
  seen: (target: unknown, self: unknown) => boolean,
): void {
  const methods = owner as Record<string, Any>;
  const original = methods[name];
  if (typeof original !== 'function') return;
  methods[name] = function (this: unknown, ...args: unknown[]): unknown {
    if (name === 'closeSync') ours.delete(args[0] as number);
    if (!seen(args[0], this)) return original.apply(this, args);
    const error = fault(name);
    if (error && asynchronous) return Promise.reject(error);
    if (error) throw error;
    const result = original.apply(this, args);
    if (name === 'openSync') ours.add(result as number);
    return result;
  };
}

const SYNC = ['openSync', 'readSync', 'writeSync', 'fstatSync', 'fsyncSync', 'writeFileSync', 'readFileSync'];
for (const name of [...SYNC, 'renameSync', 'mkdirSync', 'rmSync', 'statSync', 'utimesSync', 'readdirSync'])
  wrap(fs, name, false, isOurs);
wrap(fs, 'closeSync', false, () => false);

/** Handles of files of ours; their methods may fail too, except `close`. */
const handles = new WeakSet();
const openFile = fs.promises.open;
const wrapped = new WeakSet();
(fs.promises as { open: unknown }).open = async (...args: Parameters<typeof openFile>) => {
  if (!isOurs(args[0])) return openFile(...args);
  const error = fault('open');
  if (error) throw error;
  const handle = await openFile(...args);
  handles.add(handle);
  const prototype = Object.getPrototypeOf(handle) as object;
  if (!wrapped.has(prototype)) {
    wrapped.add(prototype);
    for (const name of ['read', 'write', 'writev', 'writeFile', 'sync', 'datasync', 'truncate', 'stat'])
      wrap(prototype, name, true, (_, self) => handles.has(self as object));
  }
  return handle;
};
for (const name of ['readFile', 'writeFile', 'rename', 'rm', 'mkdir', 'readdir', 'stat', 'unlink'])
  wrap(fs.promises, name, true, isOurs);

process.on('exit', () => {
  const file = process.env['FAULT_COUNT'];
  if (file) real.writeFileSync(file, String(calls));
});
