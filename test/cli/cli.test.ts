import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer, RankedSpan } from '../../src/protocol';
import { buildBundles, writeFiles } from '../worker/harness';

let bundles: string;
let directory: string;
let workspace: string;
beforeAll(() => {
  bundles = buildBundles();
  directory = mkdtempSync(join(tmpdir(), 'anchorage-cli-'));
  workspace = join(directory, 'it’s a #folder');
  const many = Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => [
      `more/part_${index}.py`,
      `def pool_${index}(host):\n    """Part ${index} of the pool of hosts."""\n    return host\n`,
    ]),
  );
  writeFiles(workspace, {
    'src/pool.py':
      'class Pool:\n    """Keeps connections open."""\n\n    def take(self, host):\n        """Takes a connection for a host."""\n        return self.free.pop(host)\n',
    '.gitignore': '*.log\n',
    'a.log': 'x\n',
    ...many,
  });
});
afterAll(() => {
  rmSync(bundles, { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
});

function anchorage(...argv: string[]): { status: number | null; stdout: string; stderr: string } {
  return withCache(join(directory, 'cache'), ...argv);
}
function withCache(cache: string, ...argv: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(bundles, 'cli.js'), ...argv], {
    encoding: 'utf8',
    cwd: directory,
    env: { ...process.env, XDG_CACHE_HOME: cache },
  });
  return { status, stdout, stderr };
}
const inWorkspace = () => ['--workspace', workspace];

describe('commands', () => {
  test('ask prints the answer with the places it rests on', () => {
    const { status, stdout, stderr } = anchorage(
      'ask',
      'Which method takes a connection for a host?',
      ...inWorkspace(),
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('Takes a connection for a host.');
    expect(stdout).toMatch(/\[1\] src\/pool\.py:\d+-\d+ {2}Pool\.take/);
    expect(stdout).toContain('quoted from the sources');
    expect(stdout).not.toContain('\u001b');
  });

  test('ask --json prints the answer as the editor gets it', () => {
    const answer = JSON.parse(
      anchorage('ask', 'Which method takes a connection?', '--json', ...inWorkspace()).stdout,
    ) as Answer;
    expect(answer.citations[0]).toMatchObject({ path: 'src/pool.py', file: join(workspace, 'src', 'pool.py') });
    const lines = readFileSync(join(workspace, 'src/pool.py'), 'utf8').split('\n');
    for (const { path, startLine, endLine, text } of answer.citations)
      if (path === 'src/pool.py') expect(text).toBe(lines.slice(startLine - 1, endLine).join('\n'));
  });

  test('search --queries answers each line, best first, at least twenty', () => {
    const queries = join(directory, 'queries.jsonl');
    writeFileSync(queries, '{"id":"a","question":"pool of hosts"}\n\n{"id":2,"question":"take a connection"}\n');
    const { status, stdout } = anchorage('search', '--queries', queries, ...inWorkspace());
    expect(status).toBe(0);
    const results = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: unknown; spans: RankedSpan[] });
    expect(results.map(({ id }) => id)).toEqual(['a', 2]);
    expect(results[0]?.spans.length).toBeGreaterThanOrEqual(20);
    const scores = results[0]?.spans.map(({ score }) => score) ?? [];
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(Object.keys(results[1]?.spans[0] ?? {}).sort()).toEqual(['endLine', 'path', 'score', 'startLine']);
    expect(results[1]?.spans[0]?.path).toBe('src/pool.py');
  });

  test('index --json prints its figures, status and why what was left out', () => {
    const figures = JSON.parse(anchorage('index', '--rebuild', '--json', ...inWorkspace()).stdout) as Record<
      string,
      number
    >;
    expect(figures).toMatchObject({ files: 32 });
    expect(Object.keys(figures).sort()).toEqual([
      'bytes',
      'files',
      'peakMemoryBytes',
      'seconds',
      'segments',
      'storeBytes',
    ]);
    for (const value of Object.values(figures)) expect(value).toBeGreaterThan(0);
    expect(anchorage('status', ...inWorkspace()).stdout).toContain('32 of 32 files');
    expect(anchorage('why', 'a.log', ...inWorkspace()).stdout).toMatch(/a\.log is not indexed: .*\*\.log/);
    expect(anchorage('why', 'src/pool.py', ...inWorkspace()).stdout).toMatch(/src\/pool\.py is indexed/);
  });

  test('status and why index nothing', () => {
    const storage = join(directory, 'untouched');
    const status = anchorage('status', '--storage', storage, ...inWorkspace());
    expect(status.stdout).toMatch(/State +not indexed yet\nIndexed +0 of 0 files/);
    expect(anchorage('why', 'src/pool.py', '--storage', storage, ...inWorkspace()).stdout).toMatch(
      /src\/pool\.py is not indexed: .*has not been read yet/,
    );
    expect(readdirSync(storage, { recursive: true }).filter((name) => /last-index|\.pack$/.test(String(name)))).toEqual(
      [],
    );
  });

  test('summarize and explain', () => {
    expect(anchorage('summarize', 'src/pool.py', ...inWorkspace()).stdout).toMatch(
      /take {2}Takes a connection for a host\./,
    );
    for (const what of ['src/pool.py:4', 'Pool.take', 'take'])
      expect(anchorage('explain', what, ...inWorkspace()).stdout).toContain('Pool.take is a method of Pool');
  });

  test('functions prints documented functions', () => {
    const functions = anchorage('functions', ...inWorkspace())
      .stdout.trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { path: string; name: string; doc: string; code: string });
    expect(functions).toHaveLength(31);
    expect(functions.find(({ name }) => name === 'take')).toMatchObject({
      path: 'src/pool.py',
      doc: 'Takes a connection for a host.',
    });
  });

  test('two folders: paths begin with their names', () => {
    const other = join(directory, 'other');
    writeFiles(other, { 'x.py': 'def zanzibar():\n    """An island."""\n    return 1\n' });
    const spans = JSON.parse(
      anchorage('search', 'zanzibar', '--json', ...inWorkspace(), '-w', other).stdout,
    ) as RankedSpan[];
    expect(spans[0]?.path).toBe('other/x.py');
    const inOther = JSON.parse(
      anchorage('search', 'zanzibar host', '--in', other, '--json', ...inWorkspace(), '-w', other).stdout,
    ) as RankedSpan[];
    expect(inOther.map(({ path }) => path)).toEqual(['other/x.py']);
  });

  test.each(['more', 'more/', './more', 'MORE_ABSOLUTE'])('--in %s searches that folder alone', (path) => {
    const spans = JSON.parse(
      anchorage(
        'search',
        'pool of hosts',
        '--in',
        path === 'MORE_ABSOLUTE' ? join(workspace, 'more') : path,
        '--json',
        ...inWorkspace(),
      ).stdout,
    ) as RankedSpan[];
    expect(spans.length).toBeGreaterThan(0);
    expect(spans.filter((span) => !span.path.startsWith('more/'))).toEqual([]);
  });

  test('--in the workspace itself is all of it', () => {
    expect(anchorage('search', 'take a connection', '--in', workspace, ...inWorkspace()).stdout).toContain(
      'src/pool.py',
    );
  });

  test('why names a file outside by its own path', () => {
    expect(anchorage('why', '/etc/hosts', ...inWorkspace()).stdout).toMatch(/^\/etc\/hosts is not indexed/);
  });

  test.runIf(process.platform !== 'win32')('a named pipe is refused, not waited for', () => {
    const pipe = join(workspace, 'pipe.py');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    try {
      for (const [command, what] of [
        ['summarize', 'pipe.py'],
        ['explain', 'pipe.py:1'],
      ] as const) {
        const { status, stderr } = anchorage(command, what, ...inWorkspace());
        expect({ status, stderr }).toEqual({
          status: 1,
          stderr: expect.stringContaining('not a regular file') as string,
        });
      }
    } finally {
      rmSync(pipe);
    }
  });

  test.each([['src/pool.py:0'], ['src/pool.py:99'], ['src/pool.py:5-2']])('explain %s: no such lines', (what) => {
    expect(anchorage('explain', what, ...inWorkspace())).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('has lines 1 to 6') as string,
    });
  });

  test('explain FILE asks for a line', () => {
    expect(anchorage('explain', 'src/pool.py', ...inWorkspace())).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('is a file: name a line') as string,
    });
  });
});

test('a cache folder that cannot be written: the answer comes, with a notice; a storage that was named is not done without', () => {
  const blocked = join(directory, 'blocked');
  writeFileSync(blocked, '');
  expect(anchorage('search', 'take a connection', '--storage', join(blocked, 'x'), ...inWorkspace())).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringContaining('cannot be kept in') as string,
  });
  const { status, stdout, stderr } = withCache(blocked, 'search', 'take a connection', ...inWorkspace());
  expect(status).toBe(0);
  expect(stdout).toContain('src/pool.py');
  expect(stderr).not.toBe('');
});
