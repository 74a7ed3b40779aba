import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { excludesFile, parseGitConfig } from '../../../src/workspace/sources/git-config';

let home: string;
let repository: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'anchorage-config-'));
  repository = join(home, 'code', 'project');
  mkdirSync(repository, { recursive: true });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const env = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], HOME: home, GIT_CONFIG_NOSYSTEM: '1' });
const git = (...args: string[]): { status: number | null; stdout: string } =>
  spawnSync('git', args, { cwd: repository, encoding: 'utf8', env: env() });

describe('a configuration file', () => {
  const line = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        '[core]',
        '[CORE]',
        '[core "Sub \\" x"]',
        '[other]',
        '[core] excludesFile = same line',
        'excludesFile = a',
        'excludesfile=b # why',
        '\tEXCLUDESFILE =  c d  ; e',
        'excludesFile = "quo # ted "',
        'excludesFile',
        'excludesFile = on\\\n   and on',
        'excludesFile = \\"x\\\\y\\t',
        'name-with-dash = 1',
        '# remark',
        '; remark',
        '',
        '   ',
        'excludesFile =',
        'excludesFile = "a" b "c"',
        '[a.b]',
        'k = v',
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('excludesFile = "open', 'excludesFile = \\q', '= x', '[open', '9name = 1', '???'),
    },
  );

  it('is parsed with the same result as by git', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 7 }), (lines) => {
        const file = join(home, 'config');
        const text = ['[first]', ...lines].join('\n');
        writeFileSync(file, text);
        const asked = git('config', '--file', file, '--null', '--list');
        const entries = parseGitConfig(text);
        if (asked.status !== 0) return;
        const expected = asked.stdout
          .split('\0')
          .filter((entry) => entry !== '')
          .map((entry) =>
            entry.includes('\n')
              ? [entry.slice(0, entry.indexOf('\n')), entry.slice(entry.indexOf('\n') + 1)]
              : [entry, 'true'],
          );
        expect(entries.map(({ key, value }) => [key, value])).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('is parsed in bounded time for any bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => void parseGitConfig(text)),
      { numRuns: 200 },
    );
  });
});

describe('core.excludesFile', () => {
  const found = (): string | undefined => excludesFile(repository, join(repository, '.git'), env());
  const expected = (): string => git('config', '--type=path', 'core.excludesFile').stdout.replace(/\n$/, '');

  it("is the user's git/ignore where no file names another", () => {
    expect(found()).toBe(join(home, '.config/git/ignore'));
    expect(excludesFile(repository, join(repository, '.git'), { ...env(), XDG_CONFIG_HOME: join(home, 'xdg') })).toBe(
      join(home, 'xdg/git/ignore'),
    );
  });

  it('is taken from the last file that names it: user, then repository', () => {
    git('init', '-q');
    writeFileSync(join(home, '.gitconfig'), '[core]\n excludesFile = ~/mine\n');
    expect(found()).toBe(join(home, 'mine'));
    expect(found()).toBe(expected());
    mkdirSync(join(home, '.config/git'), { recursive: true });
    writeFileSync(join(home, '.config/git/config'), '[core]\n excludesFile = ~/weaker\n');
    expect(found()).toBe(expected());
    git('config', 'core.excludesFile', '/else/where');
    expect(found()).toBe('/else/where');
    git('config', 'core.excludesFile', '');
    expect(found()).toBeUndefined();
  });

  it('is found in included files, and under a condition only for matching repositories', () => {
    git('init', '-q');
    writeFileSync(join(home, 'more'), '[core]\n excludesFile = ~/included\n');
    writeFileSync(join(home, '.gitconfig'), '[include]\n path = more\n');
    expect(found()).toBe(expected());
    writeFileSync(
      join(home, '.gitconfig'),
      '[core]\n excludesFile = ~/plain\n[includeIf "gitdir:~/play/"]\n path = more\n',
    );
    expect([found(), expected()]).toEqual([join(home, 'plain'), join(home, 'plain')]);
    writeFileSync(
      join(home, '.gitconfig'),
      '[core]\n excludesFile = ~/plain\n[includeIf "gitdir:~/code/"]\n path = more\n',
    );
    expect([found(), expected()]).toEqual([join(home, 'included'), join(home, 'included')]);
  });

  it('does not follow a file that includes itself forever', () => {
    writeFileSync(join(home, '.gitconfig'), '[core]\n excludesFile = ~/mine\n[include]\n path = .gitconfig\n');
    expect(found()).toBe(join(home, 'mine'));
  });
});
