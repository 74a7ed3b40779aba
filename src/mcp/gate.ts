/**
 * The gate before every text that the server returns. A file passes when the index's own rules admit it: it is inside a
 * workspace folder by its real path, and neither ignored, secret, binary nor too large.
 */
import { lstat, realpath } from 'node:fs/promises';
import { basename, isAbsolute, relative, resolve, sep } from 'node:path';
import { AppError } from '../base';
import type { FolderParams, WhyFile } from '../protocol';
import { isWithin } from './granted-folders';
import type { Ask } from './worker-link';

/** Most files that are named in place of a missing one. */
const MOST_ALIKE = 5;

export class Gate {
  constructor(
    private readonly ask: Ask,
    private readonly folders: readonly FolderParams[],
  ) {}

  /** Returns the absolute path of a path as the tools print it, or of an absolute one. Does not open the gate. */
  fileOf(path: string): string {
    if (path.includes('\0')) throw new AppError('fileNotFound', 'A path has no NUL character.');
    if (isAbsolute(path)) return resolve(path);
    const [first, ...more] = this.folders;
    const named = more.length > 0 ? this.folders.find(({ name }) => path.startsWith(`${name}/`)) : undefined;
    if (named) return resolve(named.directory, path.slice(named.name.length + 1));
    return resolve(first?.directory ?? '/', path);
  }

  /** The decision about a file and the rule behind it. */
  async why(path: string): Promise<WhyFile> {
    const file = this.fileOf(path);
    if (!this.folderOf(file)) return { file, path, indexed: false, reason: 'It is outside the workspace folders.' };
    return this.ask('index/why', { file });
  }

  /** @throws AppError when there is no such file ('fileNotFound'), or when it may not be returned ('notIndexed') */
  async admit(path: string): Promise<WhyFile> {
    const why = await this.why(path);
    if (!why.indexed) await this.mustExist(path);
    if (!why.indexed)
      throw new AppError(
        'notIndexed',
        `${path} is not in the index: ${why.reason}`,
        'Use a path that search returned.',
      );
    return why;
  }

  /**
   * Refuses the path of a file that the workspace does not have: agents guess paths. Names the files of that name.
   *
   * @throws AppError('fileNotFound')
   */
  async mustExist(path: string): Promise<void> {
    const file = this.fileOf(path);
    if (!this.folderOf(file)) return;
    if (await lstat(file).catch(() => undefined)) return;
    const alike = await this.ask('index/documents', { name: basename(file), limit: MOST_ALIKE });
    const places = (await this.passing(alike)).map((each) => each.path).join(', ');
    throw new AppError(
      'fileNotFound',
      `There is no file ${path} in the workspace.`,
      places === '' ? 'Use search to find the file.' : `Files of that name: ${places}.`,
    );
  }

  /**
   * Keeps the items whose files pass. The index follows the disk with a delay, so a file that was ignored, replaced by
   * a link or deleted a moment ago may still be in it.
   */
  async passing<Item extends { file: string }>(items: readonly Item[]): Promise<Item[]> {
    const files = [...new Set(items.map(({ file }) => file))];
    const verdicts = files.length === 0 ? [] : await this.ask('index/why-each', { files });
    const passing = new Set(files.filter((_, i) => verdicts[i]?.indexed));
    return items.filter(({ file }) => passing.has(file));
  }

  /** A folder of the workspace, as a scope names it. @throws AppError('notIndexed') */
  async folder(path: string): Promise<string> {
    const directory = this.fileOf(path);
    const real = await realpath(directory).catch(() => undefined);
    if (real === undefined)
      throw new AppError(
        'fileNotFound',
        `There is no folder ${path} in the workspace.`,
        'Leave the folder out to cover the whole workspace.',
      );
    const folder = this.folderOf(real);
    if (!folder) throw new AppError('notIndexed', `${path} is outside the workspace folders.`);
    if (folder.directory === real) return real;
    const inside = relative(folder.directory, real).split(sep).join('/');
    return this.folders.length > 1 ? `${folder.name}/${inside}` : inside;
  }

  /** The workspace folder of a file; the innermost where one contains another. */
  private folderOf(file: string): FolderParams | undefined {
    return this.folders
      .filter(({ directory }) => isWithin(file, directory))
      .sort((a, b) => b.directory.length - a.directory.length)[0];
  }
}
