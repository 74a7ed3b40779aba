/** Objects in a shared directory, for teams without an object store. */
import * as l10n from '@vscode/l10n';
import { createHash, randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { errorCode } from '../../base';
import {
  type GetOptions,
  type ListedObject,
  type ListOptions,
  MOST_LISTED,
  type ObjectStore,
  ObjectStoreError,
  type PutOptions,
  type StoredObject,
} from './object-store';

/** Files that are being written, and locks. They are no objects. */
const HIDDEN = '.tmp-';
const LOCK = '.lock';
/** Age (ms) of a lock whose process is taken for dead. It is held for the time of one small write. */
const LOCK_MS = 30_000;
const ABSENT = new Set(['ENOENT', 'ENOTDIR']);
/** The file system has no hard links. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

export class FileStore implements ObjectStore {
  readonly address: string;

  constructor(private readonly directory: string) {
    this.address = directory;
  }

  async get(name: string, { range, signal }: GetOptions = {}): Promise<StoredObject | undefined> {
    signal?.throwIfAborted();
    try {
      const handle = await open(this.file(name), 'r');
      try {
        const { size, mtimeMs } = await handle.stat();
        const from = Math.min(range?.from ?? 0, size);
        const bytes = new Uint8Array(Math.min(range?.to ?? size, size) - from);
        let read = 0;
        while (read < bytes.length) {
          const { bytesRead } = await handle.read(bytes, read, bytes.length - read, from + read);
          if (bytesRead === 0) break;
          read += bytesRead;
        }
        return { bytes: bytes.subarray(0, read), tag: range ? '' : tagOf(bytes), modifiedMs: mtimeMs };
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (ABSENT.has(errorCode(error) ?? '')) return undefined;
      throw this.failure(error);
    }
  }

  async put(name: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ tag: string } | 'conflict'> {
    options.signal?.throwIfAborted();
    const file = this.file(name);
    const temporary = join(dirname(file), `${HIDDEN}${randomBytes(8).toString('hex')}`);
    try {
      await mkdir(dirname(file), { recursive: true });
      await writeSynced(temporary, bytes);
      if (options.ifAbsent) return (await createFrom(temporary, file)) ? { tag: tagOf(bytes) } : 'conflict';
      if (options.ifTag === undefined) await rename(temporary, file);
      else if (!(await replaceIf(options.ifTag, temporary, file))) return 'conflict';
      return { tag: tagOf(bytes) };
    } catch (error) {
      throw this.failure(error);
    } finally {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  async delete(name: string): Promise<void> {
    await rm(this.file(name), { force: true }).catch((error: unknown) => {
      throw this.failure(error);
    });
  }

  async list(
    prefix: string,
    { after = '', limit = MOST_LISTED, signal }: ListOptions = {},
  ): Promise<readonly ListedObject[]> {
    signal?.throwIfAborted();
    const found: ListedObject[] = [];
    try {
      await this.collect(prefix.slice(0, prefix.lastIndexOf('/') + 1), { prefix, after, limit }, found);
    } catch (error) {
      throw this.failure(error);
    }
    return found;
  }

  private async collect(
    folder: string,
    wanted: { prefix: string; after: string; limit: number },
    found: ListedObject[],
  ): Promise<void> {
    const entries = await readdir(join(this.directory, folder), { withFileTypes: true }).catch((error: unknown) => {
      if (ABSENT.has(errorCode(error) ?? '')) return [];
      throw error;
    });
    // Names sort as S3 sorts them, where a folder's slash counts.
    const named = entries.map((entry) => ({ entry, name: `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}` }));
    for (const { entry, name } of named.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (found.length >= wanted.limit) return;
      if (entry.isDirectory()) {
        const concerns = name.startsWith(wanted.prefix) || wanted.prefix.startsWith(name);
        if (concerns && (name > wanted.after || wanted.after.startsWith(name))) await this.collect(name, wanted, found);
      } else if (name.startsWith(wanted.prefix) && name > wanted.after && !isHidden(entry.name)) {
        const info = await stat(this.file(name)).catch(() => undefined);
        if (info) found.push({ name, bytes: info.size, modifiedMs: info.mtimeMs });
      }
    }
  }

  /** The clock of the file server, which is what dates the files. */
  async now(): Promise<number> {
    const probe = join(this.directory, `${HIDDEN}${randomBytes(8).toString('hex')}`);
    try {
      await mkdir(this.directory, { recursive: true });
      await writeFile(probe, '');
      return (await stat(probe)).mtimeMs;
    } catch (error) {
      throw this.failure(error);
    } finally {
      await rm(probe, { force: true }).catch(() => undefined);
    }
  }

  private file(name: string): string {
    if (name.split('/').some((part) => part === '' || part === '.' || part === '..'))
      throw new ObjectStoreError('misconfigured', `“${name}” is no name of an object.`);
    return join(this.directory, name.split('/').join(sep));
  }

  private failure(error: unknown): Error {
    if (error instanceof ObjectStoreError) return error;
    const code = errorCode(error) ?? String(error);
    return new ObjectStoreError(
      code === 'EACCES' || code === 'EPERM' || code === 'EROFS' ? 'denied' : 'unavailable',
      l10n.t('{0} cannot be used ({1})', this.address, code),
      l10n.t('Check that the shared directory is mounted and may be written.'),
      { cause: error },
    );
  }
}

const isHidden = (name: string): boolean => name.startsWith(HIDDEN) || name.endsWith(LOCK);
const tagOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 32);

async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Gives a complete file its name unless the name is taken: one step, so that a crash leaves the whole file or none.
 * Without hard links the file is created exclusively; a crash may then leave a part of it, which readers refuse.
 */
async function createFrom(temporary: string, file: string): Promise<boolean> {
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (code === 'EEXIST') return false;
    if (!NO_LINKS.has(code)) throw error;
  }
  try {
    await writeSynced(file, await readFile(temporary));
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Replaces the file if its content has the tag. A lock file makes comparing and renaming one step for all writers. */
async function replaceIf(tag: string, temporary: string, file: string): Promise<boolean> {
  const lock = `${file}${LOCK}`;
  const held = await stat(lock).catch(() => undefined);
  if (held && Date.now() - held.mtimeMs > LOCK_MS) await rm(lock, { force: true });
  try {
    await writeFile(lock, '', { flag: 'wx' });
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
  try {
    const present = await readFile(file).catch(() => undefined);
    if (!present || tagOf(present) !== tag) return false;
    await rename(temporary, file);
    return true;
  } finally {
    await rm(lock, { force: true });
  }
}
