/** Inputs after public bug reports, read as they are: `../shared/cases`. Tests of single parts hold their kinds. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Workspace } from '../../src/workspace';
import { SETTINGS, TestWorkspace } from './files';
import { searchOver } from './search-over';

const CASES = join(process.cwd(), '../shared/cases');

let disk: TestWorkspace;
let workspace: Workspace;
afterEach(async () => {
  await workspace.close();
  disk.dispose();
});

async function opened(name: string, below = ''): Promise<Workspace> {
  const directory = join(disk.root, below);
  workspace = await Workspace.open({
    folders: [{ name, directory }],
    storageDirectory: disk.storage,
    settings: SETTINGS,
    threads: 0,
  });
  await workspace.start();
  return workspace;
}

function copied(name: string): void {
  disk = new TestWorkspace();
  cpSync(join(CASES, name, 'files'), disk.root, { recursive: true });
}

const paths = (): string[] => [...workspace.documents()].map(({ path }) => path).sort();

describe.skipIf(!existsSync(CASES))('cases after public reports', () => {
  it.each([
    ['01-notebook', 'remove_drift', 'function calibration.ipynb'],
    ['02-legacy-8bit', 'gebuehr', 'function preis.c'],
    ['07-astro-frontmatter', 'readingMinutes', 'function ArticleCard.astro 7-9'],
    ['09-html-upper-case-script', 'addTax', 'function legacy.html 4-6'],
    ['10-one-long-line', 'icon_bytes', 'function tray.py'],
    ['10-one-long-line', 'set_badge', 'method tray.py'],
    ['10-one-long-line', 'countRows', 'function fixture.ts'],
    ['15-haskell-body', 'parseLine', 'function Parse.hs 9-12 “Reads one line of the table.”'],
    ['15-haskell-body', 'area', 'function Parse.hs 14-15'],
    ['16-non-ascii-names', 'längeInMetern', 'function Widget.swift'],
    ['16-non-ascii-names', 'größeBerechnen', 'function Units.kt 18-18 “Fläche eines Kreises.”'],
    ['16-non-ascii-names', 'sums are exact for thirds', 'method Units.kt 21-23'],
    ['16-non-ascii-names', 'grösse', 'function nfd.ts 2-2 “Stränge”'],
    ['17-doc-forms', 'retention_days', 'variable main.tf 7-10 “Days an export is kept.”'],
    ['17-doc-forms', 'total', 'function ledger.ex 10-12 “Adds the amounts of one day.”'],
    ['19-no-definitions', 'withdraw', 'method Vault.sol 11-15 “Pays the sender’s deposit back.”'],
    ['19-no-definitions', 'COMPUTE-TAX', 'function PAYROLL.cbl'],
    ['19-no-definitions', 'circle_area', 'function area.f90 5-9 “Area of a circle with the given radius.”'],
    ['19-no-definitions', 'clear_bss', 'function boot.s'],
    ['19-no-definitions', 'field', 'function macros.jinja 2-4 “A field with its label.”'],
    ['19-no-definitions', 'rank_of', 'function rank.ml 2-3 “Position of a team in the table.”'],
    ['19-no-definitions', 'tridiag', 'function solve.m 2-4 “Solves the tridiagonal system.”'],
  ])('%s: %s', async (name, symbol, expected) => {
    copied(name);
    const [found] = await (await opened(name)).definitions(symbol);
    const { kind, startLine, endLine, doc = '' } = found?.symbol ?? {};
    const said = `${kind} ${found?.path} ${startLine}-${endLine} “${doc.replace(/'/g, '’').trim()}”`;
    expect(said.normalize('NFC')).toContain(expected);
  });

  it.each([
    ['01-notebook', 'How is the drift of a series removed?', 'calibration.ipynb'],
    ['02-legacy-8bit', '納期を計算する関数はどれですか', 'nouki.c'],
    ['02-legacy-8bit', '安全库存是怎么计算的？', 'kucun.c'],
    ['02-legacy-8bit', 'Wo wird die Gebühr für Übergrößen berechnet?', 'preis.c'],
    ['04-katakana-long-vowel', 'ローダーはいつ作られますか', 'docs/loader.md'],
    ['05-chinese-question', '账户什么时候会被锁定？', 'docs/cache.md'],
    ['15-haskell-body', 'What does parseLine do?', 'Parse.hs'],
  ])('%s: %s', async (name, question, path) => {
    copied(name);
    const { spans } = await searchOver(await opened(name)).search(question, {
      scope: { kind: 'workspace' },
      limit: 1,
    });
    expect(spans[0]?.path).toBe(path);
  });

  it('11-text-with-binary-name: texts whose names belong to binary files are indexed', async () => {
    copied('11-text-with-binary-name');
    await opened('names');
    expect(paths()).toEqual(['Pump.mo', 'amplifier.lib', 'case.nc', 'deploy.pkl', 'stations.dat']);
  });

  it('12-symlinked-root: a folder opened through a link has its files once', async () => {
    copied('12-symlinked-root');
    for (const [target, link] of [
      ['real', 'opened'],
      ['src', 'real/lib'],
      ['README.md', 'real/AGENTS.md'],
      ['.', 'real/self'],
    ] as const)
      symlinkSync(target, join(disk.root, link));
    await opened('opened', 'opened');
    expect(paths()).toEqual(['README.md', 'src/server.ts']);
  });

  it('13-tracked-but-ignored: what git tracks is indexed', async () => {
    copied('13-tracked-but-ignored');
    const git = (...args: string[]): void => void execFileSync('git', args, { cwd: disk.root });
    git('init', '-q');
    git('add', '--force', '--all', '--', '.', ':!untracked.log');
    await opened('tracked');
    expect(paths()).toEqual(expect.arrayContaining(['build/tools/release.sh', 'config/default.local.yml']));
    expect(paths()).not.toContain('untracked.log');
  });

  it('31-node-modules-without-git: dependencies are left out without git too, and why says so', async () => {
    copied('31-node-modules-without-git');
    await opened('plain');
    expect(paths().filter((path) => path.startsWith('node_modules/'))).toEqual([]);
    const why = await workspace.why(join(disk.root, 'node_modules/leftpad/index.js'));
    expect(why).toMatchObject({ indexed: false });
  });
});
