import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gitHistory } from '../../../src/app/history/commit-history';

let directory: string;
const git = (...args: string[]): void => {
  execFileSync('git', ['-C', directory, '-c', 'user.name=Ada', '-c', 'user.email=a@b', ...args], { stdio: 'ignore' });
};
function commit(file: string, text: string, message: string): void {
  mkdirSync(join(directory, file, '..'), { recursive: true });
  writeFileSync(join(directory, file), text);
  git('add', '-A');
  git('commit', '-q', '-m', message);
}

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'history-'));
  git('init', '-q');
  commit('own/pool.py', 'def take():\n    return 1\n', 'Add the pool');
  commit('own/pool.py', 'def take():\n    return 2\n', 'Take two\n\nOne was too few.');
  commit('else/x.py', 'x = 1\n', 'Work elsewhere');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const span = () => ({ file: join(directory, 'own', 'pool.py'), path: 'pool.py', startLine: 1, endLine: 2 });

test('follows lines to their commits and to the first one', async () => {
  const history = gitHistory([join(directory, 'own')]);
  expect((await history.ofLines(span())).map(({ subject, body }) => [subject, body])).toEqual([
    ['Take two', 'One was too few.'],
    ['Add the pool', ''],
  ]);
  expect((await history.firstOfLines(span()))?.subject).toBe('Add the pool');
});

test('lists the commits of the workspace’s own folders only', async () => {
  const history = gitHistory([join(directory, 'own')]);
  expect((await history.latest()).map(({ subject }) => subject)).toEqual(['Take two', 'Add the pool']);
});

test('is silent without a repository', async () => {
  const outside = mkdtempSync(join(tmpdir(), 'plain-'));
  writeFileSync(join(outside, 'a.py'), 'x = 1\n');
  const history = gitHistory([outside]);
  const line = { file: join(outside, 'a.py'), path: 'a.py', startLine: 1, endLine: 1 };
  expect([await history.ofLines(line), await history.firstOfLines(line), await history.latest()]).toEqual([
    [],
    undefined,
    [],
  ]);
  rmSync(outside, { recursive: true, force: true });
});

test('ends when the question is cancelled', async () => {
  const cancelled = AbortSignal.abort();
  await expect(gitHistory([directory]).latest(cancelled)).rejects.toThrow();
});
