import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WorkspaceFolders } from '../../../src/workspace/sources/folders';
import { whyFile } from '../../../src/workspace/sources/why';
import { root, home, OPTIONS, put, git, walked, why } from './folder-on-disk';

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
