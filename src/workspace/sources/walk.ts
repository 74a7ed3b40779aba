import { errorCode } from '../../base';
import { type Dirent, statSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { basename, dirname, join } from 'node:path';
import { binaryContent, hasBinaryName } from './binary';
import { maxBytesOf } from './extractors';
import type { WorkspaceFolders } from './folders';
import { listDirectory, SLICE_MS } from './list-directory';
import { isWithin, realOf } from './paths';
import { FolderRules, type DirectoryRules } from './rules';
import { secretRule } from './secrets';
import type { SkipReason } from './skip-reason';

/** A file to be indexed, with the data from the walk. */
export interface WalkedFile {
  /** Absolute path. */
  file: string;
  /** Workspace path (types.ts, Document.path). */
  path: string;
  size: number;
  mtimeMs: number;
}

export interface WalkOptions {
  filesExclude: readonly string[];
  maxFileBytes: number;
  /** Follows links that leave the workspace folders. Default: they are counted and excluded. */
  followLinks?: boolean;
  /** Indexes files that usually hold secrets; off by default. */
  secrets?: boolean;
  signal?: AbortSignal;
}

/** Problems that are kept with their reason. The others are counted. */
export const MAX_PROBLEMS = 100;

/** Files and folders that a walk excluded, and problems it met. A folder counts once, with its contents. */
export class WalkReport {
  readonly skipped = new Map<SkipReason, number>();
  readonly problems: { path: string; reason: string }[] = [];
  /** Number of problems beyond those that are kept. */
  moreProblems = 0;
  /** Number of directories visited. */
  directories = 0;

  skip(reason: SkipReason): void {
    this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + 1);
  }

  problem(path: string, reason: string, counted: SkipReason = 'unreadable'): void {
    this.skip(counted);
    this.tell(path, reason);
  }

  /** Reports a problem that excludes no file. */
  tell(path: string, reason: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ path, reason });
    else this.moreProblems++;
  }
}

/**
 * Yields the files of a workspace, folder by folder, in order of names. An unreadable directory is reported and
 * skipped. Yields to the event loop between directories, and every few milliseconds within large ones.
 */
export async function* walk(
  folders: WorkspaceFolders,
  options: WalkOptions,
  report: WalkReport,
): AsyncGenerator<WalkedFile> {
  const walker = new Walker(folders, options, report);
  for (const folder of folders.all) {
    const rules = new FolderRules({
      folder: folder.directory,
      filesExclude: folder.filesExclude ?? options.filesExclude,
      ...(options.secrets ? { secrets: true } : {}),
      onRefused: (file, reason) => report.tell(folders.pathOf(file) ?? file, reason),
    });
    yield* walker.directory(rules, rules.root);
  }
}

/** Number of concurrent `stat` calls. */
const STATS_AT_ONCE = 256;

interface Entry {
  name: string;
  directory: boolean;
}

type FileTimes = Pick<WalkedFile, 'size' | 'mtimeMs'>;

/** Longest time (ms) of a `stat` on a local disk. */
const LOCAL_MS = 0.5;
/** Number of first ones that are timed. */
const TIMED = 16;

/**
 * The size and time of files. On a local disk they are read synchronously, which takes a tenth of the processor time of
 * a trip through the thread pool. On a slow one (a network drive) many are asked for at once.
 */
class Stats {
  private timed = 0;
  private spent = 0;

  of(file: string): FileTimes | Promise<FileTimes> {
    if (this.timed === TIMED && this.spent > TIMED * LOCAL_MS) return stat(file);
    const started = performance.now();
    const found = statSync(file);
    // Later ones may reach another, slower disk through a link: those are few.
    if (this.timed < TIMED) {
      this.timed++;
      this.spent += performance.now() - started;
    }
    return found;
  }
}

class Walker {
  private readonly stats = new Stats();
  /** When the event loop last had a turn. */
  private turn = performance.now();
  /** Real paths of directories reached through links, to detect loops. */
  private readonly linked = new Set<string>();

  constructor(
    private readonly folders: WorkspaceFolders,
    private readonly options: WalkOptions,
    private readonly report: WalkReport,
  ) {}

  async *directory(rules: FolderRules, here: DirectoryRules): AsyncGenerator<WalkedFile> {
    this.options.signal?.throwIfAborted();
    let dirents: Dirent[];
    try {
      dirents = await listDirectory(here.directory, this.options.signal);
    } catch (error) {
      this.options.signal?.throwIfAborted();
      this.unreadable(here.directory, error);
      return;
    }
    this.report.directories++;
    const files: string[] = [];
    const directories: { name: string; rules: DirectoryRules }[] = [];
    let since = performance.now();
    for (const dirent of dirents) {
      if (performance.now() - since > SLICE_MS) {
        await nextTurn();
        this.options.signal?.throwIfAborted();
        since = performance.now();
      }
      const entry = dirent.isSymbolicLink() ? await this.follow(here.directory, dirent.name) : this.plain(dirent);
      if (!entry) continue;
      const verdict = rules.decide(here, entry.name, entry.directory);
      if (entry.directory) {
        const path = join(here.directory, entry.name);
        if (this.folders.isFolder(path)) this.report.skip('other workspace folder');
        else if (!verdict.excluded || rules.mayReinclude(here, entry.name))
          directories.push({ name: entry.name, rules: rules.enter(here, entry.name, verdict) });
        else if (verdict.reason !== 'git folder') this.report.skip(verdict.reason);
      } else if (verdict.excluded) {
        if (verdict.reason !== 'git folder') this.report.skip(verdict.reason);
      } else {
        files.push(entry.name);
      }
    }
    for (let i = 0; i < files.length; i += STATS_AT_ONCE)
      yield* await this.measure(here.directory, files.slice(i, i + STATS_AT_ONCE));
    for (const directory of directories) yield* this.directory(rules, directory.rules);
  }

  private plain(dirent: Dirent): Entry | undefined {
    if (dirent.isFile() || dirent.isDirectory()) return { name: dirent.name, directory: dirent.isDirectory() };
    this.report.skip('not a regular file');
    return undefined;
  }

  /**
   * Resolves a link. A link within the workspace is excluded, because its target is indexed or ignored under its own
   * path. A link out of the workspace is followed only with the option, and only to places not reached before.
   */
  private async follow(directory: string, name: string): Promise<Entry | undefined> {
    const file = join(directory, name);
    try {
      const target = await realpath(file);
      const info = await stat(target);
      const inside = this.folders.all.some((folder) => isWithin(target, realOf(folder.directory)));
      if (!inside && !this.options.followLinks) {
        this.report.skip('link out of the workspace');
        return undefined;
      }
      if (!this.options.secrets && secretRule(dirname(target), basename(target), info.isDirectory())) {
        this.report.skip('secret');
        return undefined;
      }
      const known =
        inside ||
        this.folders.all.some((folder) => isWithin(target, folder.directory)) ||
        [...this.linked].some((path) => isWithin(target, path));
      // A link to a parent directory would reach its own origin.
      const around =
        info.isDirectory() &&
        [...this.folders.all.map((folder) => folder.directory), ...this.linked].some((path) => isWithin(path, target));
      if (known || around) {
        this.report.skip('link to an indexed place');
        return undefined;
      }
      if (info.isDirectory()) this.linked.add(target);
      else if (!info.isFile()) {
        this.report.skip('not a regular file');
        return undefined;
      }
      return { name, directory: info.isDirectory() };
    } catch {
      this.report.skip('broken link');
      return undefined;
    }
  }

  private async measure(directory: string, names: readonly string[]): Promise<WalkedFile[]> {
    if (performance.now() - this.turn > SLICE_MS) {
      await nextTurn();
      this.options.signal?.throwIfAborted();
      this.turn = performance.now();
    }
    const measured = await Promise.all(names.map((name) => this.measureOne(join(directory, name))));
    return measured.filter((file) => file !== undefined);
  }

  private async measureOne(file: string): Promise<WalkedFile | undefined> {
    const path = this.folders.pathOf(file) ?? file;
    try {
      const { size, mtimeMs } = await this.stats.of(file);
      if (size > maxBytesOf(file, this.options.maxFileBytes)) {
        this.report.skip('too large');
        return undefined;
      }
      if (hasBinaryName(basename(file)) && binaryContent(file) !== undefined) {
        this.report.skip('binary');
        return undefined;
      }
      return { file, path, size, mtimeMs };
    } catch (error) {
      this.unreadable(file, error);
      return undefined;
    }
  }

  private unreadable(file: string, error: unknown): void {
    const path = this.folders.pathOf(file) ?? file;
    if (errorCode(error) !== 'ENOENT') this.report.problem(path, describe(error));
    // Node decodes names as UTF-8, and a name with replacement characters does not exist.
    else if (file.includes('\uFFFD'))
      this.report.problem(path, 'its name is not UTF-8; rename it', 'name is not UTF-8');
    // Otherwise it was deleted between listing and reading, which needs no report.
  }
}

function describe(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'EACCES' || code === 'EPERM'
    ? 'no permission to read it'
    : code === 'ENAMETOOLONG'
      ? 'its path is too long'
      : `cannot be read (${code ?? String(error)})`;
}
