import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkspaceFolders } from '../../../src/workspace/sources/folders';
import { walk, WalkReport } from '../../../src/workspace/sources/walk';
import { whyFile } from '../../../src/workspace/sources/why';

let root: string;
let home: string;
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

const OPTIONS = { filesExclude: [] as string[], maxFileBytes: 100_000 };

function put(path: string, text = 'text\n'): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function git(...args: string[]): string {
  return execFileSync('git', ['-c', 'core.quotePath=false', '-c', 'init.defaultBranch=main', ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function walked(
  folders = [{ name: 'w', directory: root }],
  options: Parameters<typeof walk>[1] = OPTIONS,
): Promise<{ paths: string[]; report: WalkReport }> {
  const report = new WalkReport();
  const paths: string[] = [];
  for await (const { path } of walk(new WorkspaceFolders(folders), options, report)) paths.push(path);
  return { paths: paths.sort(), report };
}

const why = (path: string, options = OPTIONS): ReturnType<typeof whyFile> =>
  whyFile(join(root, path), new WorkspaceFolders([{ name: 'w', directory: root }]), options);

describe('ignore rules', () => {
  const names = ['a', 'b', 'build', 'src', 'x.log', 'y.txt', 'keep.log', 'Makefile', 'a b', '#c', 'é'];
  const path = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
  const pattern = fc.oneof(
    fc.constantFrom(
      '*.log',
      '!keep.log',
      '/build',
      'build/',
      '!build/',
      'src/**',
      '!src/a',
      '**/b',
      'a/**/x.log',
      '/a/*',
      '!/a/b',
      '*',
      '!*/',
      '!*.txt',
      'a b',
      '\\#c',
      '# comment',
      '',
      'b/',
      'x.*',
      '[ab]',
      'x?log',
      'src/*/a',
      'é',
      'Makefile ',
      '/**/y.txt',
      '!/src/',
      'a/',
    ),
    fc.tuple(fc.boolean(), path).map(([negative, p]) => (negative ? `!/${p}` : p)),
  );
  const tree = fc.record({
    files: fc.array(path, { minLength: 1, maxLength: 12 }),
    ignores: fc.array(fc.tuple(fc.oneof(fc.constant(''), path), fc.array(pattern, { maxLength: 5 })), { maxLength: 4 }),
    exclude: fc.array(pattern, { maxLength: 2 }),
    everywhere: fc.array(pattern, { maxLength: 2 }),
  });

  it('have the same meaning as in git, on generated trees', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async ({ files, ignores, exclude, everywhere }) => {
        rmSync(root, { recursive: true, force: true });
        mkdirSync(root);
        git('init', '-q');
        for (const file of files) {
          try {
            put(file);
          } catch {
            // A file is in the place of a folder, so the tree stays as it is.
          }
        }
        for (const [directory, patterns] of ignores) {
          try {
            put(directory === '' ? '.gitignore' : `${directory}/.gitignore`, patterns.join('\n'));
          } catch {
            // As above.
          }
        }
        writeFileSync(join(root, '.git/info/exclude'), exclude.join('\n'));
        mkdirSync(join(home, '.config/git'), { recursive: true });
        writeFileSync(join(home, '.config/git/ignore'), everywhere.join('\n'));
        const expected = git('ls-files', '--others', '--exclude-standard', '-z')
          .split('\0')
          .filter((line) => line !== '')
          .sort();
        const { paths } = await walked();
        expect(paths).toEqual(expected);
        for (const file of expected) expect(why(file)).toMatchObject({ indexed: true });
        const all = git('ls-files', '--others', '-z')
          .split('\0')
          .filter((line) => line !== '');
        for (const file of all) if (!expected.includes(file)) expect(why(file)).toMatchObject({ indexed: false });
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('name the rule that decided, as git check-ignore does', async () => {
    git('init', '-q');
    put('.gitignore', '# top\n*.log\n!keep.log\n');
    put('src/.gitignore', 'out/\n');
    put('src/out/a.ts');
    put('a.log');
    put('keep.log');
    expect(why('a.log')).toMatchObject({
      indexed: false,
      rule: { file: join(root, '.gitignore'), line: 2, pattern: '*.log' },
      reason: 'It is ignored by .gitignore line 2: *.log',
    });
    expect(why('src/out/a.ts')).toMatchObject({
      indexed: false,
      reason: 'Its folder src/out is ignored by src/.gitignore line 1: out/',
    });
    expect(git('check-ignore', '-v', 'a.log').split('\t')[0]).toBe('.gitignore:2:*.log');
    expect(why('keep.log').indexed).toBe(true);
    expect(why('.git/HEAD')).toMatchObject({ indexed: false, reason: "Its folder .git is git's own data." });
    expect(whyFile('/elsewhere/x', new WorkspaceFolders([{ name: 'w', directory: root }]), OPTIONS).reason).toBe(
      'It is outside the workspace folders.',
    );
  });

  it("from the user's own ignore file are the weakest, and named", async () => {
    git('init', '-q');
    writeFileSync(join(home, '.gitconfig'), '[core]\n\texcludesFile = ~/everywhere\n');
    writeFileSync(join(home, 'everywhere'), '*.swp\n/notes/\n');
    for (const file of ['a.swp', 'notes/n.txt', 'sub/notes/n.txt', 'b.txt']) put(file);
    expect((await walked()).paths).toEqual(['b.txt', 'sub/notes/n.txt']);
    expect(why('a.swp')).toMatchObject({
      indexed: false,
      reason: `It is ignored by ${join(home, 'everywhere')} line 1: *.swp`,
    });
    put('.gitignore', '!*.swp\n');
    expect((await walked()).paths).toEqual(['.gitignore', 'a.swp', 'b.txt', 'sub/notes/n.txt']);
  });

  it('outside the folder apply in a linked work tree: those of the main repository', async () => {
    git('init', '-q', 'main');
    git('-C', 'main', '-c', 'user.name=n', '-c', 'user.email=e', 'commit', '-q', '--allow-empty', '-m', 'first');
    git('-C', 'main', 'worktree', 'add', '-q', '../tree');
    put('main/.git/info/exclude', '*.out\n');
    git('-C', 'main', 'config', 'core.excludesFile', join(home, 'mine'));
    writeFileSync(join(home, 'mine'), '*.tmp\n');
    for (const file of ['tree/a.out', 'tree/a.tmp', 'tree/a.ts']) put(file);
    const { paths, report } = await walked([{ name: 'w', directory: join(root, 'tree') }]);
    expect(paths).toEqual(git('-C', 'tree', 'ls-files', '--others', '--exclude-standard').trim().split('\n'));
    expect(paths).toEqual(['a.ts']);
    expect(Object.fromEntries(report.skipped)).toMatchObject({ 'info/exclude': 1, 'core.excludesFile': 1 });
  });

  it('in .anchorageignore have precedence, and include files that git excludes', async () => {
    git('init', '-q');
    put('.gitignore', 'build/\nnode_modules/\n*.gen.ts\nsecret/\n');
    put('.anchorageignore', '!build/api/*.ts\n!*.gen.ts\nlegacy/\n!secret/\n');
    for (const file of [
      'build/api/a.ts',
      'build/api/b.js',
      'build/c.ts',
      'node_modules/x/y.gen.ts',
      'x.gen.ts',
      'legacy/z.ts',
      'secret/s.txt',
      'secret/deep/t.gen.ts',
      'plain.ts',
    ])
      put(file);
    const { paths } = await walked();
    expect(paths).toEqual([
      '.anchorageignore',
      '.gitignore',
      'build/api/a.ts',
      'plain.ts',
      'secret/deep/t.gen.ts',
      'secret/s.txt',
      'x.gen.ts',
    ]);
    expect(why('build/api/a.ts')).toMatchObject({ indexed: true, rule: { line: 1, pattern: '!build/api/*.ts' } });
    expect(why('legacy/z.ts')).toMatchObject({
      indexed: false,
      reason: 'Its folder legacy is ignored by .anchorageignore line 3: legacy/',
    });
    expect(why('build/api/b.js').indexed).toBe(false);
    expect(why('node_modules/x/y.gen.ts').indexed).toBe(false);
  });

  it('in files.exclude are VS Code globs, relative to the folder', async () => {
    for (const file of ['a.pyc', 'x/b.pyc', 'out/c.ts', 'x/out/d.ts', 'e.log', 'x/e.log', 'k1/x', 'k3/x']) put(file);
    const options = { ...OPTIONS, filesExclude: ['**/*.pyc', 'out', '*.log', 'k[12]/{x,y}'] };
    expect((await walked(undefined, options)).paths).toEqual(['k3/x', 'x/e.log', 'x/out/d.ts']);
    expect(why('out/c.ts', options).reason).toBe('Its folder out is ignored by the setting files.exclude: out');
  });

  it("in a folder's own files.exclude replace those of the workspace", async () => {
    for (const file of ['one/a.log', 'one/b.tmp', 'two/a.log', 'two/b.tmp']) put(file);
    const folders = [
      { name: 'one', directory: join(root, 'one') },
      { name: 'two', directory: join(root, 'two'), filesExclude: ['*.tmp'] },
    ];
    expect((await walked(folders, { ...OPTIONS, filesExclude: ['*.log'] })).paths).toEqual(['one/b.tmp', 'two/a.log']);
  });

  it('above the workspace folder apply too, unless they ignore the folder itself', async () => {
    git('init', '-q');
    put('.gitignore', '*.tmp\n/ignored/\n');
    put('sub/a.tmp');
    put('sub/a.ts');
    put('ignored/b.ts');
    expect((await walked([{ name: 'w', directory: join(root, 'sub') }])).paths).toEqual(['a.ts']);
    expect((await walked([{ name: 'w', directory: join(root, 'ignored') }])).paths).toEqual(['b.ts']);
  });
});

describe('repositories within', () => {
  it('are excluded and counted: submodules, work trees, clones', async () => {
    git('init', '-q');
    put('a.ts');
    put('sub/.git', 'gitdir: ../.git/modules/sub\n');
    put('sub/x.ts');
    put('tree/.git', 'gitdir: /somewhere/.git/worktrees/tree\n');
    put('tree/x.ts');
    put('clone/.git/HEAD');
    put('clone/x.ts');
    const { paths, report } = await walked();
    expect(paths).toEqual(['a.ts']);
    expect(Object.fromEntries(report.skipped)).toMatchObject({
      submodule: 1,
      'nested work tree': 1,
      'nested repository': 1,
    });
    expect(why('sub/x.ts').reason).toContain('submodule');
    put('.anchorageignore', '!clone/\n');
    expect((await walked()).paths).toContain('clone/x.ts');
  });

  it('are walked when the folder is not a repository: a folder of clones', async () => {
    put('one/.git/HEAD');
    put('one/.gitignore', '*.o\n');
    put('one/a.ts');
    put('one/a.o2');
    put('two/.git/HEAD');
    put('two/.git/info/exclude', 'b.ts\n');
    put('two/b.ts');
    expect((await walked()).paths).toEqual(['one/.gitignore', 'one/a.o2', 'one/a.ts']);
  });
});

describe('odd places', () => {
  it('with unusual names are walked', async () => {
    const long = `${'d'.repeat(100)}/${'e'.repeat(100)}/${'f'.repeat(96)}.ts`;
    const names = [
      'a b.ts',
      `quo"te'.ts`,
      'ha#sh.ts',
      'emo😀ji.ts',
      'brack[et].ts',
      'per%20cent.ts',
      'back\\slash.ts',
      'new\nline.ts',
      ' lead.ts',
      '-dash.ts',
      long,
    ];
    for (const name of names) put(name);
    expect((await walked()).paths).toEqual([...names].sort());
    for (const name of names) expect(why(name).indexed).toBe(true);
  });

  it('linked in a loop are walked once', async () => {
    put('a/x.ts');
    symlinkSync(root, join(root, 'a/loop'));
    symlinkSync(join(root, 'a/x.ts'), join(root, 'copy.ts'));
    symlinkSync('/nowhere/at/all', join(root, 'broken.ts'));
    const outside = mkdtempSync(join(tmpdir(), 'anchorage-out-'));
    try {
      mkdirSync(join(outside, 'lib'));
      writeFileSync(join(outside, 'lib/y.ts'), 'y');
      symlinkSync(join(outside, 'lib'), join(root, 'linked'));
      symlinkSync(outside, join(outside, 'lib/up'));
      const { paths, report } = await walked(undefined, { ...OPTIONS, followLinks: true });
      expect(paths).toEqual(['a/x.ts', 'linked/y.ts']);
      expect(report.skipped.get('broken link')).toBe(1);
      expect(report.skipped.get('link to an indexed place')).toBe(3);
      const unfollowed = await walked();
      expect(unfollowed.paths).toEqual(['a/x.ts']);
      expect(unfollowed.report.skipped.get('link out of the workspace')).toBe(1);
      expect(why('linked/y.ts')).toMatchObject({
        indexed: false,
        reason: expect.stringContaining('out of the workspace'),
      });
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });

  it('of a workspace that is opened through a link are found once', async () => {
    put('real/src/server.ts');
    put('real/README.md');
    symlinkSync('src', join(root, 'real/lib'));
    symlinkSync('README.md', join(root, 'real/AGENTS.md'));
    symlinkSync('.', join(root, 'real/self'));
    symlinkSync('real', join(root, 'opened'));
    const real = await walked([{ name: 'w', directory: join(root, 'real') }]);
    const opened = await walked([{ name: 'w', directory: join(root, 'opened') }]);
    expect(opened.paths).toEqual(['README.md', 'src/server.ts']);
    expect(opened.paths).toEqual(real.paths);
    expect([...opened.report.skipped]).toEqual([['link to an indexed place', 3]]);
  });

  it('beyond a hundred that cannot be read are counted', () => {
    const report = new WalkReport();
    for (let i = 0; i < 250; i++) report.problem(`f${i}`, 'no permission to read it');
    expect(report.problems).toHaveLength(100);
    expect(report.moreProblems).toBe(150);
    expect(report.skipped.get('unreadable')).toBe(250);
  });

  it('behind a link follow the rules of their own path: a link to an ignored file is ignored', async () => {
    put('.gitignore', 'secret.txt\n');
    git('init', '-q');
    put('secret.txt');
    put('open.txt');
    symlinkSync(join(root, 'secret.txt'), join(root, 'innocent.txt'));
    expect((await walked()).paths).toEqual(['.gitignore', 'open.txt']);
    expect(why('innocent.txt')).toMatchObject({
      indexed: false,
      reason: expect.stringContaining('link to secret.txt'),
    });
    expect(why('open.txt').indexed).toBe(true);
  });

  it('with names that are not UTF-8 are counted and reported', async () => {
    put('a.ts');
    writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9]), Buffer.from('.ts')]), 'text');
    const { paths, report } = await walked();
    expect(paths).toEqual(['a.ts']);
    expect(report.skipped.get('name is not UTF-8')).toBe(1);
    expect(report.problems).toEqual([{ path: 'caf\uFFFD.ts', reason: expect.stringContaining('UTF-8') }]);
  });

  it.skipIf(process.platform === 'win32')(
    'refuses ignore files that are links, devices or pipes, and reports it',
    async () => {
      git('init', '-q');
      put('rules', 'a.ts\n');
      put('a.ts');
      put('b/b.ts');
      symlinkSync(join(root, 'rules'), join(root, '.gitignore'));
      symlinkSync('/dev/zero', join(root, 'b/.gitignore'));
      execFileSync('mkfifo', [join(root, 'b/.anchorageignore')]);
      const { paths, report } = await walked();
      expect(paths).toEqual(['a.ts', 'b/b.ts', 'rules']);
      // git reads no linked ignore file of a work tree either.
      expect(git('ls-files', '--others', '--exclude-standard').split('\n')).toContain('a.ts');
      expect(report.problems.map((problem) => problem.path).sort()).toEqual([
        '.gitignore',
        'b/.anchorageignore',
        'b/.gitignore',
      ]);
    },
  );

  it('with very many entries yield to the event loop', async () => {
    put('.gitignore', Array.from({ length: 200 }, (_, i) => `*x${i}*y${i}*.log`).join('\n'));
    git('init', '-q');
    for (let i = 0; i < 3_000; i++) writeFileSync(join(root, `file${i}x1y.log`), '');
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await walked();
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });

  it.skipIf(process.getuid?.() === 0)('without permission are recorded, and the walk continues', async () => {
    put('closed/x.ts');
    put('open/y.ts');
    chmodSync(join(root, 'closed'), 0);
    try {
      const { paths, report } = await walked();
      expect(paths).toEqual(['open/y.ts']);
      expect(report.problems).toEqual([{ path: 'closed', reason: 'no permission to read it' }]);
    } finally {
      chmodSync(join(root, 'closed'), 0o755);
    }
  });

  it('that git tracks are found, though a rule ignores them', async () => {
    put('.gitignore', '*.local.yml\nbuild/\n*.log\n');
    put('config/default.local.yml');
    put('build/tools/release.sh');
    put('untracked.log');
    git('init', '-q');
    git('add', '--force', 'config', 'build', '.gitignore');
    const { paths } = await walked();
    expect(paths).toEqual(['.gitignore', 'build/tools/release.sh', 'config/default.local.yml']);
    expect(why('untracked.log').indexed).toBe(false);
    expect(why('config/default.local.yml').indexed).toBe(true);
  });

  it('of installed packages are left out where no .gitignore says so', async () => {
    put('node_modules/leftpad/index.js');
    put('src/a.js');
    expect((await walked()).paths).toEqual(['src/a.js']);
    expect(why('node_modules/leftpad/index.js')).toMatchObject({ indexed: false });
    put('.anchorageignore', '!node_modules/\n');
    expect((await walked()).paths).toContain('node_modules/leftpad/index.js');
  });

  it('are excluded when binary or too large, and counted', async () => {
    put('a.png', '\x89PNG\0');
    put('text.png');
    put('b.ts', 'x'.repeat(200_000));
    put('c.ts');
    const { paths, report } = await walked();
    expect(paths).toEqual(['c.ts', 'text.png']);
    expect(Object.fromEntries(report.skipped)).toEqual({ binary: 1, 'too large': 1 });
    expect(why('b.ts').reason).toContain('200,000 bytes');
    put('d.ts', 'a\0b');
    expect(why('d.ts').reason).toContain('NUL');
  });
});

describe('several folders', () => {
  it('have separate paths, and a nested one is walked once', async () => {
    put('app/a.ts');
    put('app/lib/b.ts');
    put('other/app/c.ts');
    const folders = [
      { name: 'app', directory: join(root, 'app') },
      { name: 'lib', directory: join(root, 'app/lib') },
      { name: 'app', directory: join(root, 'other/app') },
      { name: 'again', directory: `${join(root, 'app')}/` },
    ];
    const { paths, report } = await walked(folders);
    expect(paths).toEqual(['app (2)/c.ts', 'app/a.ts', 'lib/b.ts']);
    expect(report.skipped.get('other workspace folder')).toBe(1);
    const all = new WorkspaceFolders(folders);
    expect(all.pathOf(join(root, 'app/lib/b.ts'))).toBe('lib/b.ts');
    expect(all.fileOf('app (2)/c.ts')).toBe(join(root, 'other/app/c.ts'));
  });
});

describe('files that git tracks', () => {
  it.each(['2', '4'])('belong to the workspace although a pattern ignores them (index version %s)', async (version) => {
    put('.gitignore', 'build/\n*.local.yml\n');
    put('config/default.local.yml');
    put('config/other.local.yml');
    put('build/deep/kept.txt');
    put('build/deep/product.txt');
    git('init', '-q');
    git('add', '-f', '.gitignore', 'config/default.local.yml', 'build/deep/kept.txt');
    git('update-index', '--index-version', version);
    expect((await walked()).paths).toEqual(['.gitignore', 'build/deep/kept.txt', 'config/default.local.yml']);
    expect(why('build/deep/kept.txt').indexed).toBe(true);
    expect(why('build/deep/product.txt').indexed).toBe(false);
    expect(why('config/other.local.yml').indexed).toBe(false);
  });
});

describe('a folder without git', () => {
  it('is indexed without dependencies, and says so', async () => {
    put('index.js');
    put('node_modules/leftpad/index.js');
    expect((await walked()).paths).toEqual(['index.js']);
    expect(why('node_modules/leftpad/index.js').reason).toContain('holds dependencies or build products');
  });

  it('is indexed with the dependencies that .anchorageignore includes', async () => {
    put('node_modules/leftpad/index.js');
    put('.anchorageignore', '!node_modules/\n');
    expect((await walked()).paths).toContain('node_modules/leftpad/index.js');
  });
});
