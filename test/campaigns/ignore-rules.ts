/** Random ignore files, whose verdicts are compared with git's own, and random globs of `files.exclude`. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generator } from '../../src/engine/generate/sampling';
import { globMatcher } from '../../src/workspace/sources/glob';
import { IgnoreFile } from '../../src/workspace/sources/ignore-file';
import { type Attacked, pick, type Random } from './drive';

/** Inputs that one git process decides. */
const BATCH = 400;
/** Folders end in a slash. */
const PATHS = [
  'a',
  'b.c',
  'ab',
  '-x',
  '[a]',
  'a b',
  '!a',
  '#a',
  'd/',
  'd/a',
  'd/b.c',
  'd/e/',
  'd/e/a',
  'd/e/f/',
  'd/e/f/b.c',
  'é',
];
const PIECES = [
  'a',
  'b',
  'd',
  'e',
  'f',
  'c',
  '.',
  '*',
  '**',
  '?',
  '/',
  '/',
  '[',
  ']',
  '[a-c]',
  '[!a]',
  '[^b]',
  '[[:alpha:]]',
  '[]a]',
  '\\',
  '\\*',
  '!',
  '#',
  ' ',
  '-',
  'é',
  '\\ ',
  '**/',
  '/**',
  '[a',
  '[\\]]',
  '[a-',
  'b.c',
  'd/e',
];

function pattern(random: Random): string {
  const count = 1 + Math.floor(random() * 6);
  return Array.from({ length: count }, () => pick(random, PIECES)).join('');
}

function ignoreFile(random: Random): string {
  const count = 1 + Math.floor(random() * 3);
  return `${Array.from({ length: count }, () => pattern(random)).join('\n')}\n`;
}

/** Whether each path is ignored: a path below an ignored folder is, whatever later rules say. */
function verdicts(text: string): boolean[] {
  const file = new IgnoreFile('.gitignore', text, false);
  return PATHS.map((path) => {
    const parts = path.split('/').filter(Boolean);
    for (let i = 1; i <= parts.length; i++) {
      const part = parts.slice(0, i).join('/');
      const isFolder = i < parts.length || path.endsWith('/');
      if (file.test(isFolder ? `${part}/` : part)?.ignored) return true;
    }
    return false;
  });
}

/** The verdicts of git for a batch of ignore files, each in a folder of its own. */
class GitOracle {
  private readonly root = mkdtempSync(join(tmpdir(), 'anchorage-ignore-'));
  private batch = -1;
  private ignored = new Set<string>();

  constructor() {
    for (let i = 0; i < BATCH; i++)
      for (const path of PATHS) {
        const place = join(this.root, String(i), path);
        if (path.endsWith('/')) mkdirSync(place, { recursive: true });
      }
    for (let i = 0; i < BATCH; i++)
      for (const path of PATHS) if (!path.endsWith('/')) writeFileSync(join(this.root, String(i), path), '');
    execFileSync('git', ['init', '-q', this.root]);
  }

  of(seed: number): boolean[] {
    const batch = Math.floor(seed / BATCH);
    if (batch !== this.batch) this.decide(batch);
    return PATHS.map((path) => this.ignored.has(`${seed % BATCH}/${path.replace(/\/$/, '')}`));
  }

  private decide(batch: number): void {
    this.batch = batch;
    for (let i = 0; i < BATCH; i++)
      writeFileSync(join(this.root, String(i), '.gitignore'), ignoreFile(generator(batch * BATCH + i)));
    const asked = Array.from({ length: BATCH }, (_, i) =>
      PATHS.map((path) => `${i}/${path.replace(/\/$/, '')}`),
    ).flat();
    let answer = '';
    try {
      answer = execFileSync('git', ['-C', this.root, 'check-ignore', '-z', '--no-index', '--stdin'], {
        input: asked.join('\0'),
        encoding: 'utf8',
        maxBuffer: 1 << 26,
        env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
      });
    } catch (error) {
      // Exit code 1: nothing is ignored.
      if ((error as { status?: number }).status !== 1) throw error;
    }
    this.ignored = new Set(answer.split('\0'));
  }

  dispose(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

export const ignoreRules: Attacked = {
  name: 'ignore rules, as git decides',
  isRefusal: () => false,
  open: () => {
    const git = new GitOracle();
    return Promise.resolve({
      // The seeds count up, and git decides a whole batch of them at once.
      read: (random, seed) => {
        const text = ignoreFile(random);
        const ours = verdicts(text);
        const theirs = git.of(seed);
        const differs = PATHS.findIndex((_, i) => ours[i] !== theirs[i]);
        if (differs >= 0)
          throw new Error(
            `${JSON.stringify(text)}: ${PATHS[differs]} is ${ours[differs] ? '' : 'not '}ignored, git says otherwise`,
          );
      },
      close: () => {
        git.dispose();
        return Promise.resolve();
      },
    });
  },
};

const GLOB_PIECES = [...PIECES, '{', '}', ',', '{a,b}', '{,d/**}', '**/*.c', '{{a,b},c}', '**/**/', '*a*a*a*a'];

/** Globs end in linear time, whatever they and the path hold. */
export const globs: Attacked = {
  name: 'globs of files.exclude',
  isRefusal: () => false,
  open: () =>
    Promise.resolve({
      read: (random) => {
        const glob = Array.from({ length: 1 + Math.floor(random() * 24) }, () => pick(random, GLOB_PIECES)).join('');
        const matches = globMatcher(glob, random() < 0.5);
        for (const path of PATHS) matches(path.replace(/\/$/, ''));
        matches(pick(random, ['a', 'ab', 'd/']).repeat(1 + Math.floor(random() * 300)));
      },
    }),
};
