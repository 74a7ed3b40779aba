import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/arguments';
import { buildBundles, writeFiles } from '../worker/harness';

let bundles: string;
let directory: string;
let workspace: string;
beforeAll(() => {
  bundles = buildBundles();
  directory = mkdtempSync(join(tmpdir(), 'anchorage-exit-'));
  workspace = join(directory, 'work');
  writeFiles(workspace, {
    'pool.py':
      'class Pool:\n    """Keeps connections open."""\n\n    def take(self, host):\n        return self.free.pop(host)\n',
    'binary.py': 'x\0y',
    'closed/inner.py': 'def inner():\n    return 1\n',
    'model/config.json': '{"architectures":["Nobody"]}',
    'questions.jsonl': '{"id":1,"question":"take a connection"}\n',
    'no-questions.jsonl': '',
    'wrong.jsonl': '{"id":1}\n',
  });
});
afterAll(() => {
  rmSync(bundles, { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
});

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** @param as user that runs it */
function anchorage(argv: readonly string[], as?: number): Ended {
  const env = { ...process.env, XDG_CACHE_HOME: join(directory, 'cache') };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(bundles, 'cli.js'), ...argv], {
    encoding: 'utf8',
    cwd: workspace,
    env,
    input: '',
    ...(as === undefined ? {} : { uid: as, gid: as }),
  });
  return { status, stdout, stderr };
}

/**
 * One line of the table: what is typed, the code it ends with, and what the user is told (on stdout for 0, on stderr
 * else).
 */
type Row = [argv: string[], status: 0 | 1 | 2, told: RegExp];

const TABLE: Row[] = [
  [[], 2, /^/],
  [['--help'], 0, /Usage: anchorage COMMAND/],
  [['-h'], 0, /Usage: anchorage COMMAND/],
  [['help'], 0, /Usage: anchorage COMMAND/],
  [['help', 'search'], 0, /Usage: anchorage search/],
  [['help', 'context'], 0, /Usage: anchorage context/],
  [['help', 'dance'], 2, /no command “dance”/],
  [['dance'], 2, /no command “dance”/],
  [['--dance'], 2, /no command “--dance”/],

  [['ask', 'Who takes a connection?'], 0, /Pool\.take in pool\.py/],
  [['ask'], 2, /Which question/],
  [['ask', ' '], 2, /Which question/],
  [['ask', 'q', '--fast'], 2, /--fast/],
  [['ask', 'q', '--threads', '0'], 2, /--threads takes a whole number/],
  [['ask', 'q', '--weights', '3bit'], 2, /--weights takes auto/],
  [['ask', 'q', '--in', 'nowhere'], 2, /no nowhere in the workspace/],
  [['ask', 'q', '--workspace', '/nowhere/at/all'], 2, /is not a folder/],
  [['ask', 'q', '--workspace', 'pool.py'], 2, /is not a folder/],
  [['ask', 'q', '--model-directory', 'nowhere'], 1, /The model in .*nowhere cannot be used/],
  [['ask', 'q', '--model-directory', 'model'], 1, /The model in .*model cannot be used/],
  [['ask', 'q', '--model-directory', 'pool.py'], 1, /The model in .*pool\.py cannot be used/],

  [['search', 'connection'], 0, /pool\.py/],
  [['search', 'zanzibar'], 0, /Nothing found/],
  [['search', '--queries', 'questions.jsonl'], 0, /^\{"id":1,"spans":\[/],
  [['search', '--queries', 'no-questions.jsonl'], 0, /^$/],
  [['search', '--queries', '-'], 0, /^$/],
  [['search'], 2, /Which question/],
  [['search', 'q', '--limit', '0'], 2, /--limit takes a whole number/],
  [['search', 'q', '--queries', 'questions.jsonl'], 2, /not both/],
  [['search', '--queries', 'wrong.jsonl'], 2, /Line 1 needs an "id"/],
  [['search', '--queries', 'none.jsonl'], 1, /none\.jsonl cannot be read: there is no such file\./],
  [['search', '--queries', 'closed'], 1, /closed cannot be read: it is a folder\./],

  [['summarize', 'pool.py'], 0, /Keeps connections open/],
  [['summarize'], 2, /Which file/],
  [['summarize', 'none.py'], 2, /There is no none\.py in the workspace/],
  [['summarize', '/etc/hosts'], 2, /is not in the workspace/],
  [['summarize', 'pool.py', 'closed/inner.py'], 2, /One at a time/],
  [['summarize', 'closed'], 1, /is a folder/],
  [['summarize', 'binary.py'], 1, /is not text/],

  [['explain', 'Pool.take'], 0, /is a method of Pool/],
  [['explain'], 2, /Name a definition/],
  [['explain', 'qwertz_uiop'], 2, /Nothing in the workspace defines/],
  [['explain', 'pool.py'], 2, /is a file: name a line/],
  [['explain', 'pool.py:99'], 2, /has lines 1 to 5/],
  [['explain', 'none.py:1'], 2, /There is no none\.py in the workspace/],
  [['explain', 'binary.py:1'], 1, /is not text/],
  [['explain', 'Pool.take', '--model-directory', 'nowhere'], 1, /cannot be used/],

  [['history', '--help'], 0, /Usage: anchorage history/],
  [['history'], 2, /Which lines\?/],
  [['history', 'pool.py:1'], 1, /not in a git repository/],

  [['index'], 0, /are indexed\. This run took/],
  [['index', 'src'], 2, /takes no src; use --workspace for a folder/],
  [['index', '--storage', '/proc/store'], 1, /cannot be kept in \/proc\/store[^]*Use another folder/],
  [['ask', 'q', '--storage', 'pool.py'], 1, /cannot be kept in .*pool\.py/],
  [['status'], 0, /State/],
  [['status', 'x'], 2, /takes no x/],
  [['check'], 0, /Index +/],
  [['check', 'pool.py'], 2, /takes no pool\.py/],
  [['check', '--storage', 'pool.py'], 1, /cannot be kept in .*pool\.py/],

  [['why', 'pool.py'], 0, /is indexed/],
  [['why', 'none.py'], 0, /not on disk/],
  [['why', '/etc/hosts'], 0, /outside the workspace/],
  [['why'], 2, /Which file/],
  [['functions'], 0, /"name":"Pool|^$/],
  [['functions', 'x'], 2, /takes no x/],

  [['context', '--help'], 0, /Usage: anchorage context/],
  [['context'], 2, /Which question/],
  [['context', 'q', '--tokens', '0'], 2, /--tokens takes a whole number[^]*anchorage context --help/],
  [['context', 'q', '--dance'], 2, /--dance/],
  [['context', 'q', '--model-directory', 'nowhere'], 1, /cannot be used/],

  [['model', '--help'], 0, /anchorage model list/],
  [['model', 'list'], 0, /Installed in/],
  [['model', 'dance'], 2, /no command “model dance”/],
  [['model', 'info'], 2, /Usage: anchorage model info/],
  [['model', 'info', 'none'], 2, /neither a checkpoint .* nor an installed model/],
  [['model', 'remove', 'none'], 1, /no model "none"/],
];

describe('exit codes: 0 success, 1 failure, 2 wrong usage', () => {
  test.each(TABLE.map((row) => [`anchorage ${row[0].join(' ')}`, ...row] as const))('%s', (_, argv, expected, told) => {
    const { status, stdout, stderr } = anchorage(argv);
    expect({ status, told: expected === 0 ? stdout : stderr }).toEqual({
      status: expected,
      told: expect.stringMatching(told) as string,
    });
    // The message is neither a stack nor a system's word for it.
    expect(stderr).not.toMatch(/\n {4}at |\bE[A-Z]{4,}\b/);
  });

  test('every command has a row that succeeds and one with wrong usage', () => {
    for (const command of Object.keys(COMMANDS)) {
      const statuses = TABLE.filter(([[name]]) => name === command).map(([, status]) => status);
      expect(statuses, command).toEqual(expect.arrayContaining([0, 2]));
    }
  });

  test.each(['--version', '-V'])('%s is the version of the package', (option) => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(anchorage([option])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  // Root may read everything; where the tests run as root, the command runs as nobody.
  test.runIf(process.platform !== 'win32')(
    'a folder and a file that may not be read: told by why, refused by summarize, and the rest is indexed',
    () => {
      const nobody = process.getuid?.() === 0 ? 65_534 : undefined;
      mkdirSync(join(directory, 'cache'), { recursive: true });
      chmodSync(directory, 0o755);
      chmodSync(bundles, 0o755);
      const storage = join(directory, 'nobody');
      mkdirSync(storage);
      chmodSync(storage, 0o777);
      chmodSync(join(workspace, 'closed'), 0);
      const secret = join(workspace, 'secret.py');
      writeFileSync(secret, 'connection = 1\n');
      chmodSync(secret, 0);
      try {
        const why = anchorage(['why', 'closed/inner.py', '--storage', storage], nobody);
        expect(why).toMatchObject({
          status: 0,
          stdout: expect.stringMatching(/inner\.py is not indexed: It cannot be read/) as string,
        });
        expect(anchorage(['summarize', 'closed/inner.py', '--storage', storage], nobody)).toMatchObject({
          status: 1,
          stderr: expect.stringMatching(/may not be read\.\nCheck the permissions/) as string,
        });
        expect(anchorage(['search', 'connection', '--storage', storage], nobody)).toMatchObject({
          status: 0,
          stdout: expect.stringContaining('pool.py') as string,
        });
        expect(anchorage(['summarize', 'secret.py', '--storage', storage], nobody)).toMatchObject({
          status: 1,
          stderr: expect.stringMatching(/secret\.py: may not be read/) as string,
        });
        const { stdout } = anchorage(['status', '--storage', storage], nobody);
        expect(stdout).toMatch(/Problem +closed: no permission to read it/);
        expect(stdout).toMatch(/Problem +secret\.py: .*permission/);
      } finally {
        chmodSync(join(workspace, 'closed'), 0o755);
        rmSync(secret);
      }
    },
    60_000,
  );
});

test('a file of questions that may not be read is told before anything is indexed', () => {
  writeFileSync(join(directory, 'loose.jsonl'), 'no json\n');
  const { status, stderr } = anchorage([
    'search',
    '--queries',
    join(directory, 'loose.jsonl'),
    '--storage',
    join(directory, 'untouched'),
  ]);
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining('Line 1 is not JSON') as string });
});
