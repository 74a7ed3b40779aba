import { realpathSync } from 'node:fs';
import { isAbsolute, relative } from 'node:path';

/** Resolves the links in a path. Returns the path itself where it does not exist. */
export function realOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return path;
  }
}

/** Returns a path with forward slashes. */
export function posix(path: string): string {
  return process.platform === 'win32' ? path.replace(/\\/g, '/') : path;
}

/** Whether `path` is `directory` or below it. */
export function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === '' || (way !== '..' && !way.startsWith('../') && !way.startsWith('..\\') && !isAbsolute(way));
}
