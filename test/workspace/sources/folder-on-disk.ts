/** A folder for each test, with a home of its own, and the walk over it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, vi } from 'vitest';
import { WorkspaceFolders } from '../../../src/workspace/sources/folders';
import { walk, WalkReport } from '../../../src/workspace/sources/walk';
import { whyFile } from '../../../src/workspace/sources/why';

export let root: string;
export let home: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'anchorage-walk-'));
  home = mkdtempSync(join(tmpdir(), 'anchorage-home-'));
  // git and the product read the same user files, not those of the person who runs the tests.
  for (const [name, value] of Object.entries({
    HOME: home,
    XDG_CONFIG_HOME: '',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: undefined,
  }))
    vi.stubEnv(name, value);
});
afterEach(() => {
  vi.unstubAllEnvs();
  for (const directory of [root, home]) rmSync(directory, { recursive: true, force: true });
});

export const OPTIONS = { filesExclude: [] as string[], maxFileBytes: 100_000 };

export function put(path: string, text = 'text\n'): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

export function git(...args: string[]): string {
  return execFileSync('git', ['-c', 'core.quotePath=false', '-c', 'init.defaultBranch=main', ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export async function walked(
  folders = [{ name: 'w', directory: root }],
  options: Parameters<typeof walk>[1] = OPTIONS,
): Promise<{ paths: string[]; report: WalkReport }> {
  const report = new WalkReport();
  const paths: string[] = [];
  for await (const { path } of walk(new WorkspaceFolders(folders), options, report)) paths.push(path);
  return { paths: paths.sort(), report };
}

export const why = (path: string, options = OPTIONS): ReturnType<typeof whyFile> =>
  whyFile(join(root, path), new WorkspaceFolders([{ name: 'w', directory: root }]), options);
