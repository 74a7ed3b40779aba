import { join, relative } from 'node:path';
import { globMatcher, type PathMatcher } from './glob';
import { IgnoreFile, type Rule } from './ignore-file';
import { posix } from './paths';
import { ReadError } from './read-error';
import { readRegularFileNow } from './regular-file';
import { secretRule } from './secrets';
import type { SkipReason } from './skip-reason';
import { type TrackedFiles, trackedFiles } from './git-index';
import { findRepository, indexDirectory, isRepositoryRoot, nestedRepository, repositoryExcludes } from './repository';

/** Anchorage's own ignore file. It has precedence over git's files and can re-include files that git ignores. */
export const OWN_IGNORE_FILE = '.anchorageignore';

export type Verdict = { excluded: true; reason: SkipReason; rule?: Rule } | { excluded: false; rule?: Rule };

/** Maximum size of an ignore file. A larger one is reported and not used. */
const MAX_IGNORE_BYTES = 1 << 20;

interface Level {
  /** Directory to which the rules apply, absolute. */
  directory: string;
  file: IgnoreFile;
  reason: SkipReason;
}

/** Every ignore file that applies in a directory, collected from the folder downward, as in git. */
export interface DirectoryRules {
  directory: string;
  /** Shallowest first. */
  git: readonly Level[];
  own: readonly Level[];
  /** Why the directory is ignored, when it is visited only for re-includes of `.anchorageignore`. */
  inherited?: { reason: SkipReason; rule?: Rule };
  insideRepository: boolean;
  /** Files that git tracks in the repository around the directory, and the repository. */
  tracked?: { repository: string; paths: TrackedFiles };
}

export interface RuleOptions {
  /** Globs relative to the workspace folder. */
  filesExclude: readonly string[];
  /** Absolute path without trailing slash. */
  folder: string;
  ignoreCase?: boolean;
  /** Indexes files that usually hold secrets; off by default. */
  secrets?: boolean;
  /** Called for each ignore file that exists but is not used: a link, a device, or too large. */
  onRefused?: (file: string, reason: string) => void;
}

/** Decides which entries of one workspace folder are indexed. */
export class FolderRules {
  private readonly globs: readonly { pattern: string; matches: PathMatcher }[];
  private readonly ignoreCase: boolean;
  readonly root: DirectoryRules;

  constructor(private readonly options: RuleOptions) {
    this.ignoreCase = options.ignoreCase ?? process.platform !== 'linux';
    this.globs = options.filesExclude.map((pattern) => ({
      pattern,
      matches: globMatcher(pattern, this.ignoreCase),
    }));
    this.root = this.rootRules();
  }

  /** Returns the rules of the folder itself and of the repository around it, as the folder may be deep inside one. */
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
        const file = this.readIgnore(join(directory, '.gitignore'), true);
        if (file) git.push({ directory, file, reason: 'gitignore' });
        directory = join(directory, part);
      }
      // A user who opens an ignored folder wants to index it, so rules that ignore the folder itself do not apply.
      if (
        folder !== repository &&
        git.some((level) => level.file.test(`${posix(relative(level.directory, folder))}/`)?.ignored)
      )
        git.length = 0;
    }
    return this.withOwnFiles({
      directory: folder,
      git,
      own: [],
      insideRepository: repository !== undefined,
      ...(repository === undefined ? {} : { tracked: trackedIn(repository) }),
    });
  }

  private excludesOf(repository: string): Level[] {
    return repositoryExcludes(repository).flatMap(({ path, reason }) => {
      const file = this.readIgnore(path, false);
      return file ? [{ directory: repository, file, reason }] : [];
    });
  }

  /** @param refuseLinks refuses links, as git does for the files of a work tree */
  private readIgnore(file: string, refuseLinks: boolean): IgnoreFile | undefined {
    try {
      const { bytes } = readRegularFileNow(file, { maxBytes: MAX_IGNORE_BYTES, refuseLinks });
      return new IgnoreFile(file, bytes.toString('utf8'), this.ignoreCase);
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
      if (error.code !== 'missing' && error.code !== 'directory')
        this.options.onRefused?.(file, error.message.replace(`${file}: `, 'ignore file not used: '));
      return undefined;
    }
  }

  private withOwnFiles(rules: DirectoryRules): DirectoryRules {
    const git = this.readIgnore(join(rules.directory, '.gitignore'), true);
    const own = this.readIgnore(join(rules.directory, OWN_IGNORE_FILE), true);
    return {
      ...rules,
      git: git ? [...rules.git, { directory: rules.directory, file: git, reason: 'gitignore' }] : rules.git,
      own: own ? [...rules.own, { directory: rules.directory, file: own, reason: 'anchorageignore' }] : rules.own,
    };
  }

  /** Returns the rules inside a subdirectory. `names` tells which ignore files it has; only those are read. */
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
      // A git boundary: rules of the outer repository do not apply inside.
      return this.withOwnFiles({
        ...free,
        directory,
        git: this.excludesOf(directory),
        insideRepository: true,
        tracked: trackedIn(directory),
      });
    }
    return this.withOwnFiles({ ...free, directory });
  }

  /**
   * Whether an entry is excluded, and by which rule. `.anchorageignore` decides first, then git's files, then
   * `files.exclude`, then the names of secrets.
   */
  decide(rules: DirectoryRules, name: string, isDirectory: boolean): Verdict {
    const entry = isDirectory ? `${name}/` : name;
    if (name === '.git') return { excluded: true, reason: 'git folder' };
    const own = this.ownVerdict(rules, entry);
    if (own)
      return own.ignored
        ? { excluded: true, reason: 'anchorageignore', rule: own.rule }
        : { excluded: false, rule: own.rule };
    const repository = isDirectory ? nestedRepository(join(rules.directory, name), rules.insideRepository) : undefined;
    if (repository) return { excluded: true, reason: repository };
    const isTracked = !isDirectory && trackedPath(rules, name, 'files');
    if (rules.inherited && !(isTracked && BY_GIT.has(rules.inherited.reason)))
      return { excluded: true, ...rules.inherited };
    const git = isTracked ? undefined : this.gitVerdict(rules, entry);
    if (git?.excluded) return git;
    if (isDirectory && !rules.insideRepository && DEPENDENCIES.has(name))
      return { excluded: true, reason: 'dependency folder' };
    const path = posix(relative(this.options.folder, join(rules.directory, name)));
    const glob = this.globs.find(({ matches }) => matches(path));
    if (glob)
      return {
        excluded: true,
        reason: 'files.exclude',
        rule: { file: 'files.exclude', line: 0, pattern: glob.pattern },
      };
    const secret = this.options.secrets ? undefined : secretRule(rules.directory, name, isDirectory);
    if (secret) return { excluded: true, reason: 'secret', rule: secret };
    return { excluded: false };
  }

  private ownVerdict(rules: DirectoryRules, entry: string): { ignored: boolean; rule: Rule } | undefined {
    for (let i = rules.own.length - 1; i >= 0; i--) {
      const level = rules.own[i];
      if (!level) continue;
      const path = pathFrom(level.directory, rules.directory, entry);
      const result = level.file.test(path);
      if (result) return result;
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
      return { excluded: true, reason: level.reason, rule: result.rule };
    }
    return undefined;
  }

  /** Whether an excluded folder may contain something that `.anchorageignore` re-includes, or that git tracks. */
  mayReinclude(rules: DirectoryRules, name: string): boolean {
    const directory = join(rules.directory, name);
    if (trackedPath(rules, name, 'folders')) return true;
    return rules.own.some((level) => {
      const path = posix(relative(level.directory, directory));
      return level.file.reincludes.some(
        (prefix) => prefix === path || prefix.startsWith(`${path}/`) || path.startsWith(`${prefix}/`),
      );
    });
  }
}

/** Reasons that git gives, which do not hold for tracked files. */
const BY_GIT: ReadonlySet<SkipReason> = new Set(['gitignore', 'info/exclude', 'core.excludesFile']);

/** Folders of other people's code and of build products, which a `.gitignore` would name. */
const DEPENDENCIES: ReadonlySet<string> = new Set(
  (
    'node_modules bower_components jspm_packages .pnpm-store .yarn .venv venv __pycache__ .tox .nox .mypy_cache ' +
    '.pytest_cache .ruff_cache site-packages .eggs .gradle .m2 .bundle Pods Carthage .dart_tool .stack-work ' +
    'dist-newstyle elm-stuff _build .terraform .next .nuxt .svelte-kit .parcel-cache .svn .hg'
  ).split(' '),
);

function trackedIn(repository: string): NonNullable<DirectoryRules['tracked']> {
  return { repository, paths: trackedFiles(indexDirectory(repository)) };
}

function trackedPath({ directory, tracked }: DirectoryRules, name: string, kind: keyof TrackedFiles): boolean {
  if (!tracked || tracked.paths[kind].size === 0) return false;
  return tracked.paths[kind].has(posix(relative(tracked.repository, join(directory, name))));
}

function pathFrom(base: string, directory: string, entry: string): string {
  return base === directory ? entry : `${posix(relative(base, directory))}/${entry}`;
}
