import { isAbsolute, resolve } from 'node:path';
import type { Scope } from '../protocol';

/** Returns the workspace path of an absolute file path. Undefined outside all workspace folders. */
export type PathOf = (file: string) => string | undefined;

/** Whether a workspace path is within a scope. */
export type PathFilter = (path: string) => boolean;

/** Returns the filter of a scope. Undefined when the scope includes every path. */
export function pathFilter(scope: Scope, pathOf: PathOf): PathFilter | undefined {
  if (scope.kind === 'workspace') return undefined;
  if (scope.kind === 'folder') {
    // A workspace folder has no path within the workspace, so clients name it by its absolute path.
    const path = isAbsolute(scope.path) ? (pathOf(resolve(scope.path)) ?? scope.path) : scope.path;
    const prefix = path.replace(/\/*$/, '/');
    return prefix === '/' || prefix === './' ? undefined : (path) => path.startsWith(prefix);
  }
  if (scope.kind === 'paths') {
    const { paths } = scope;
    return (path) => paths.some((each) => path === each || path.startsWith(`${each}/`));
  }
  const wanted = pathOf(scope.file);
  return (path) => path === wanted;
}

/** Whether a line range of a file in the scope overlaps the scope's selection, if it has one. */
export function overlapsSelection(
  scope: Scope,
  { startLine, endLine }: { startLine: number; endLine: number },
): boolean {
  return scope.kind !== 'selection' || (startLine <= scope.endLine && endLine >= scope.startLine);
}
