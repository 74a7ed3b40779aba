import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitText, lineHistory } from '../../../src/app/history/line-history';

let directory: string;
let hostile: string;
const run = (...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=Ann', '-c', 'user.email=a@b.c', ...args], { cwd: directory, encoding: 'utf8' });
const commit = (message: string): void => {
  run('add', '-A');
  run('commit', '-q', '-m', message);
};
const asked = (startLine: number, endLine = startLine, file = join(directory, 'moved.py')) =>
  lineHistory({ file, path: 'moved.py', startLine, endLine });

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-history-'));
  run('init', '-q');
  const lines = (limit: number): string =>
    `def first():\n    pass\n\n\ndef take():\n    limit = ${limit}\n    return limit\n`;
  writeFileSync(join(directory, 'pool.py'), lines(5));
  commit('Add the pool');
  writeFileSync(join(directory, 'pool.py'), lines(10));
  commit('Raise the limit\n\nFive connections were too few under load.');
  renameSync(join(directory, 'pool.py'), join(directory, 'moved.py'));
  commit('Rename the pool');
  // A repository that would run a program when git reads it.
  hostile = join(directory, 'ran');
  const program = join(directory, 'run.sh');
  writeFileSync(program, `#!/bin/sh\ntouch '${hostile}'\n`);
  chmodSync(program, 0o755);
  for (const key of ['core.fsmonitor', 'diff.external', 'core.pager', 'diff.x.textconv', 'diff.x.command'])
    run('config', key, program);
  writeFileSync(join(directory, '.git', 'info', 'attributes'), '*.py diff=x\n');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('lineHistory', () => {
  it('follows lines through edits and renames, newest first, with the reasons', async () => {
    const { commits, uncommitted } = await asked(6);
    expect(uncommitted).toBe(false);
    expect(commits.map(({ subject }) => subject).filter((subject) => subject !== 'Rename the pool')).toEqual([
      'Raise the limit',
      'Add the pool',
    ]);
    expect(commits.find(({ subject }) => subject === 'Raise the limit')).toMatchObject({
      author: 'Ann',
      body: 'Five connections were too few under load.',
    });
  });

  it('finds the lines of a file with unsaved commits', async () => {
    const file = join(directory, 'moved.py');
    const text = run('show', 'HEAD:moved.py');
    writeFileSync(file, `# new\n# newer\n${text}`);
    try {
      expect((await asked(8)).commits.map(({ subject }) => subject)).toContain('Raise the limit');
      expect(await asked(1, 2)).toMatchObject({ uncommitted: true, commits: [] });
    } finally {
      writeFileSync(file, text);
    }
  });

  it('shows a commit with its changes', async () => {
    const { commits } = await asked(6);
    const { hash = '' } = commits.find(({ subject }) => subject === 'Raise the limit') ?? {};
    const text = await commitText(join(directory, 'moved.py'), hash);
    expect(text).toContain('Five connections were too few');
    expect(text).toContain('+    limit = 10');
    await expect(commitText(join(directory, 'moved.py'), '--output=x')).rejects.toThrow('no commit');
  });

  it('runs no program that the repository names', async () => {
    await asked(6);
    expect(existsSync(hostile)).toBe(false);
  });

  it('says what is missing', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'anchorage-no-git-'));
    writeFileSync(join(outside, 'a.py'), 'x\n');
    await expect(asked(1, 1, join(outside, 'a.py'))).rejects.toThrow(/not in a git repository/);
    await expect(asked(900)).rejects.toThrow(/git failed|lines/);
    rmSync(outside, { recursive: true });
  });

  it('stops when it is cancelled', async () => {
    const stop = AbortSignal.abort(new Error('enough'));
    const file = join(directory, 'moved.py');
    await expect(lineHistory({ file, path: 'moved.py', startLine: 1, endLine: 2 }, stop)).rejects.toThrow();
  });
});
