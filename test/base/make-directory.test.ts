import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeDirectory } from '../../src/base/node';
import { openStore } from '../../src/workspace/store/open-store';

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'anchorage-make-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

it('makes missing parents, and leaves existing directories', () => {
  makeDirectory(join(root, 'a/b/c'));
  writeFileSync(join(root, 'a/b/c/kept'), '');
  makeDirectory(join(root, 'a/b/c'));
  makeDirectory(join(root, 'a/x/../y'));
  expect(existsSync(join(root, 'a/b/c/kept'))).toBe(true);
  expect(statSync(join(root, 'a/y')).isDirectory()).toBe(true);
});

it('throws if a file or a broken link is in the way', () => {
  writeFileSync(join(root, 'file'), '');
  symlinkSync(join(root, 'nowhere'), join(root, 'link'));
  expect(() => makeDirectory(join(root, 'file/below'))).toThrow(/ENOTDIR/);
  expect(() => makeDirectory(join(root, 'link/below'))).toThrow();
});

it.runIf(existsSync('/proc/self'))(
  'ends on a file system without directories, and the index then stays in memory with a notice',
  async () => {
    expect(() => makeDirectory('/proc/anchorage/store')).toThrow();
    const { lock, notices } = await openStore('/proc/anchorage/store');
    expect(lock).toBeUndefined();
    expect(notices.join()).toContain('/proc/anchorage/store');
  },
);
