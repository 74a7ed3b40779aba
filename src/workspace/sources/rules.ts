import { readFileSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import createIgnore, { type Ignore, type TestResult } from 'ignore';
import { globToRegExp } from './glob';
import { findRepository, isRepositoryRoot, nestedRepository, repositoryExcludes } from './repository';

/** Our own ignore file; it has the last word and can re-include what git ignores. */
export const OWN_IGNORE_FILE = '.anchorageignore';

/** The rule that decided about a file or folder. */
export interface Rule {
  /** The ignore file, absolute; `files.exclude` for the setting. */
  file: string;
  /** 1-based; 0 for the setting. */
  line: number;
  pattern: string;
}

export type Verdict = { excluded: true; reason: SkipReason; rule?: Rule } | { excluded: false; rule?: Rule };

export type SkipReason =
  | 'gitignore'
  | 'info/exclude'
  | 'core.excludesFile'
  | 'anchorageignore'
  | 'files.exclude'
  | 'git folder'
  | 'submodule'
  | 'nested work tree'
  | 'nested repository'
  | 'other workspace folder'
  | 'link to an indexed place'
  | 'broken link'
  | 'not a regular file'
  | 'binary'
  | 'too large'
  | 'unreadable';

/** One ignore file: patterns relative to the directory it speaks for. */
export class IgnoreFile {
  private readonly matcher: Ignore;
  readonly lines: readonly { line: number; pattern: string }[];
  /** Leading literal folders of anchored negative patterns: where an ignored folder must still be looked into. */
  readonly reincludes: readonly string[];

  constructor(
    readonly file: string,
    text: string,
    ignoreCase: boolean,
  ) {
    this.lines = text
      .replace(/^\uFEFF/, '')
      .split(/\r?\n/)
      .map((pattern, i) => ({ line: i + 1, pattern }))
      .filter(({ pattern }) => pattern !== '' && !pattern.startsWith('#'));
    this.matcher = createIgnore({ ignorecase: ignoreCase });
    for (const { line, pattern } of this.lines) this.matcher.add({ pattern, mark: String(line) });
    this.reincludes = this.lines.flatMap(({ pattern }) => anchoredPrefix(pattern) ?? []);
    this.ignoreCase = ignoreCase;
  }
  private readonly ignoreCase: boolean;

  /**
   * What the file says of a path relative to its directory (a trailing slash for folders) itself, whatever it says of
   * the folders above: the walk has asked about those already, and another file may have overruled this one there.
   */
  test(path: string): { ignored: boolean; rule?: Rule } | undefined {
    const result = matchItself(this.matcher, path);
    if (result.ignored)
      return {
        ignored: true,
        ...(result.rule
          ? { rule: { file: this.file, line: Number(result.rule.mark ?? 0), pattern: result.rule.pattern } }
          : {}),
      };
    return result.unignored ? { ignored: false } : undefined;
  }

  /** The last negative pattern that matches, for an explanation. */
  negativeRule(path: string): Rule | undefined {
    for (const { line, pattern } of [...this.lines].reverse()) {
      if (!pattern.startsWith('!')) continue;
      if (matchItself(createIgnore({ ignorecase: this.ignoreCase }).add(pattern.slice(1)), path).ignored)
        return { file: this.file, line, pattern };
    }
    return undefined;
  }
}

/**
 * The public `test` lets a rule for a folder decide about all it holds, which is right for one file of rules alone but
 * not for several that overrule each other. The rule list beneath it matches one path only (ignore 7, pinned; compared
 * with git in the tests).
 */
function matchItself(matcher: Ignore, path: string): TestResult {
  const { _rules: rules } = matcher as unknown as { _rules?: { test?(path: string, mode: 'regex'): TestResult } };
  return rules?.test ? rules.test(path, 'regex') : matcher.test(path);
}

/** `!build/api/*.ts` → `build/api`; undefined for positive and for unanchored patterns. */
function anchoredPrefix(pattern: string): string | undefined {
  if (!pattern.startsWith('!')) return undefined;
  const path = pattern.slice(1).trimEnd();
  if (!path.replace(/\/$/, '').includes('/') && !path.startsWith('/')) return undefined;
  const parts = path
    .replace(/^\//, '')
    .split('/')
    .filter((part) => part !== '');
  const wild = parts.findIndex((part) => /[*?[\\]/.test(part));
  const literal = wild < 0 ? parts : parts.slice(0, wild);
  return literal.length > 0 ? literal.join('/') : undefined;
}

interface Level {
  /** Directory the file speaks for, absolute. */
  directory: string;
  file: IgnoreFile;
  reason: SkipReason;
}

/** What is known in a directory: every ignore file that speaks for it. Made from the folder downward, like git. */
export interface DirectoryRules {
  directory: string;
  /** Shallowest first. */
  git: readonly Level[];
  own: readonly Level[];
  /** Why the directory is ignored, when it is looked into only for what `.anchorageignore` re-includes. */
  inherited?: { reason: SkipReason; rule?: Rule };
  insideRepository: boolean;
}

export interface RuleOptions {
  /** Globs relative to the workspace folder. */
  filesExclude: readonly string[];
  /** Absolute, without trailing slash. */
  folder: string;
  ignoreCase?: boolean;
}

/** Decides for the entries of one workspace folder. */
export class FolderRules {
  private readonly globs: readonly { pattern: string; expression: RegExp }[];
  private readonly ignoreCase: boolean;
  readonly root: DirectoryRules;

  constructor(private readonly options: RuleOptions) {
    this.ignoreCase = options.ignoreCase ?? process.platform !== 'linux';
    this.globs = options.filesExclude.map((pattern) => ({
      pattern,
      expression: globToRegExp(pattern, this.ignoreCase),
    }));
    this.root = this.rootRules();
  }

  /** The folder itself, with what the repository around it says: the folder may lie deep inside one. */
  private rootRules(): DirectoryRules {
    const { folder } = this.options;
    const repository = findRepository(folder);
    const git: Level[] = [];
    if (repository) {
      git.push(...this.excludesOf(repository));
      const above = relative(repository, folder)
        .split(/[\\/]/)
        .filter((part) => part !== '');
      let directory = repository;
      for (const part of above) {
        const file = this.readIgnore(join(directory, '.gitignore'));
        if (file) git.push({ directory, file, reason: 'gitignore' });
        directory = join(directory, part);
      }
      // Someone who opens an ignored folder wants it: rules that ignore the folder itself are set aside.
      if (
        folder !== repository &&
        git.some((level) => level.file.test(`${posix(relative(level.directory, folder))}/`)?.ignored)
      )
        git.length = 0;
    }
    return this.withOwnFiles({ directory: folder, git, own: [], insideRepository: repository !== undefined });
  }

  private excludesOf(repository: string): Level[] {
    return repositoryExcludes(repository).flatMap(({ path, reason }) => {
      const file = this.readIgnore(path);
      return file ? [{ directory: repository, file, reason }] : [];
    });
  }

  private readIgnore(file: string): IgnoreFile | undefined {
    try {
      return new IgnoreFile(file, readFileSync(file, 'utf8'), this.ignoreCase);
    } catch {
      return undefined;
    }
  }

  private withOwnFiles(rules: DirectoryRules): DirectoryRules {
    const git = this.readIgnore(join(rules.directory, '.gitignore'));
    const own = this.readIgnore(join(rules.directory, OWN_IGNORE_FILE));
    return {
      ...rules,
      git: git ? [...rules.git, { directory: rules.directory, file: git, reason: 'gitignore' }] : rules.git,
      own: own ? [...rules.own, { directory: rules.directory, file: own, reason: 'anchorageignore' }] : rules.own,
    };
  }

  /** Rules of a subdirectory that is entered. `names` says which ignore files it has; reads only those. */
  enter(rules: DirectoryRules, name: string, verdict: Verdict): DirectoryRules {
    const directory = join(rules.directory, name);
    if (verdict.excluded)
      return this.withOwnFiles({
        ...rules,
        directory,
        inherited: { reason: verdict.reason, ...(verdict.rule ? { rule: verdict.rule } : {}) },
      });
    const { inherited: _, ...free } = rules;
    if (isRepositoryRoot(directory)) {
      // git's own boundary: rules of the outer repository do not reach inside.
      return this.withOwnFiles({ ...free, directory, git: this.excludesOf(directory), insideRepository: true });
    }
    return this.withOwnFiles({ ...free, directory });
  }

  /** Whether an entry is left out, and by which rule. Our own file decides first, then git's, then `files.exclude`. */
  decide(rules: DirectoryRules, name: string, isDirectory: boolean): Verdict {
    const entry = isDirectory ? `${name}/` : name;
    if (name === '.git') return { excluded: true, reason: 'git folder' };
    const own = this.ownVerdict(rules, entry);
    if (own)
      return own.ignored
        ? { excluded: true, reason: 'anchorageignore', ...(own.rule ? { rule: own.rule } : {}) }
        : { excluded: false, ...(own.rule ? { rule: own.rule } : {}) };
    const repository = isDirectory ? nestedRepository(join(rules.directory, name), rules.insideRepository) : undefined;
    if (repository) return { excluded: true, reason: repository };
    if (rules.inherited) return { excluded: true, ...rules.inherited };
    const git = this.gitVerdict(rules, entry);
    if (git?.excluded) return git;
    const path = posix(relative(this.options.folder, join(rules.directory, name)));
    const glob = this.globs.find(({ expression }) => expression.test(path));
    if (glob)
      return {
        excluded: true,
        reason: 'files.exclude',
        rule: { file: 'files.exclude', line: 0, pattern: glob.pattern },
      };
    return { excluded: false };
  }

  private ownVerdict(rules: DirectoryRules, entry: string): { ignored: boolean; rule?: Rule } | undefined {
    for (let i = rules.own.length - 1; i >= 0; i--) {
      const level = rules.own[i];
      if (!level) continue;
      const path = pathFrom(level.directory, rules.directory, entry);
      const result = level.file.test(path);
      if (!result) continue;
      const rule = result.ignored ? result.rule : level.file.negativeRule(path);
      return { ignored: result.ignored, ...(rule ? { rule } : {}) };
    }
    return undefined;
  }

  private gitVerdict(rules: DirectoryRules, entry: string): Verdict | undefined {
    for (let i = rules.git.length - 1; i >= 0; i--) {
      const level = rules.git[i];
      if (!level) continue;
      const result = level.file.test(pathFrom(level.directory, rules.directory, entry));
      if (!result) continue;
      if (!result.ignored) return { excluded: false };
      return { excluded: true, reason: level.reason, ...(result.rule ? { rule: result.rule } : {}) };
    }
    return undefined;
  }

  /** Whether an excluded folder may hold something that `.anchorageignore` re-includes. */
  mayReinclude(rules: DirectoryRules, name: string): boolean {
    const directory = join(rules.directory, name);
    return rules.own.some((level) => {
      const path = posix(relative(level.directory, directory));
      return level.file.reincludes.some(
        (prefix) => prefix === path || prefix.startsWith(`${path}/`) || path.startsWith(`${prefix}/`),
      );
    });
  }
}

function pathFrom(base: string, directory: string, entry: string): string {
  return base === directory ? entry : `${posix(relative(base, directory))}/${entry}`;
}

export function posix(path: string): string {
  return process.platform === 'win32' ? path.replace(/\\/g, '/') : path;
}

/** Whether `path` is `directory` or below it. */
export function isWithin(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === '' || (way !== '..' && !way.startsWith('../') && !way.startsWith('..\\') && !isAbsolute(way));
}
