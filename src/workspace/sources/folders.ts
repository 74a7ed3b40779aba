import { basename, relative, resolve } from 'node:path';
import type { WorkspaceFolder } from '../types';
import { isWithin, posix } from './paths';

/** The folders of a workspace, prepared for walking: absolute, each once, with distinct names. */
export class WorkspaceFolders {
  readonly all: readonly WorkspaceFolder[];

  constructor(folders: readonly WorkspaceFolder[]) {
    const names = new Set<string>();
    const directories = new Set<string>();
    const kept: WorkspaceFolder[] = [];
    for (const folder of folders) {
      const directory = resolve(folder.directory);
      if (directories.has(directory)) continue;
      directories.add(directory);
      let name = folder.name.replace(/[\\/]/g, '-') || 'workspace';
      for (let n = 2; names.has(name); n++) name = `${folder.name} (${n})`;
      names.add(name);
      kept.push({ ...folder, name, directory });
    }
    this.all = kept;
  }

  /** Names of the project, in lower case. None with several folders, because a name then distinguishes one of them. */
  get ownNames(): readonly string[] {
    const [only, ...more] = this.all;
    return only === undefined || more.length > 0
      ? []
      : [only.name.toLowerCase(), basename(only.directory).toLowerCase()];
  }

  /** Returns the innermost folder that contains a file. */
  folderOf(file: string): WorkspaceFolder | undefined {
    let best: WorkspaceFolder | undefined;
    for (const folder of this.all)
      if (isWithin(file, folder.directory) && (!best || folder.directory.length > best.directory.length)) best = folder;
    return best;
  }

  /** The editor's encoding of a file that is not Unicode. */
  encodingOf(file: string): string | undefined {
    return this.folderOf(file)?.encoding;
  }

  /** Returns the workspace path of a file (types.ts, Document.path). Undefined outside the workspace. */
  pathOf(file: string): string | undefined {
    const folder = this.folderOf(file);
    if (!folder) return undefined;
    const way = posix(relative(folder.directory, file));
    return this.all.length > 1 ? `${folder.name}/${way}` : way;
  }

  /** Returns the absolute path of a workspace path. */
  fileOf(path: string): string | undefined {
    if (this.all.length === 1) return this.all[0] && resolve(this.all[0].directory, path);
    const slash = path.indexOf('/');
    const folder = this.all.find(({ name }) => name === path.slice(0, slash));
    return folder && resolve(folder.directory, path.slice(slash + 1));
  }

  /** Whether a directory is itself a workspace folder. */
  isFolder(directory: string): boolean {
    return this.all.some((folder) => folder.directory === directory);
  }
}
