import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { WorkspaceFolders } from '../../../src/workspace/sources/folders';
import { WalkReport } from '../../../src/workspace/sources/walk';
import { root, OPTIONS, put, git, walked, why } from './folder-on-disk';

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
