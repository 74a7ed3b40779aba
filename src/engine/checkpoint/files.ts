import { open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { errorCode } from '../../base';
import { asCheckpointError, CheckpointError } from './errors';

/**
 * The path of `name` inside `directory`, symbolic links followed.
 *
 * Names come from files that somebody else wrote (a weight index), so only plain names are accepted. A link may not
 * lead out of the folder. The one exception is the layout of the Hugging Face cache: `snapshots/REVISION/name →
 * ../../blobs/DIGEST`.
 *
 * @throws CheckpointError `pathEscape`, `missing` or `unreadable`.
 */
export async function fileInside(directory: string, name: string, namedBy = name): Promise<string> {
  if (name === '' || name === '.' || name === '..' || name.length > 255 || /[/\\\0:]/.test(name)) {
    throw new CheckpointError(
      'pathEscape',
      namedBy,
      name.slice(0, 100),
      'is not a plain file name inside the checkpoint folder',
    );
  }
  const path = join(directory, name);
  let root: string;
  let target: string;
  try {
    root = await realpath(directory);
    target = await realpath(path);
  } catch (error) {
    throw asCheckpointError(error, path);
  }
  const blobs = basename(dirname(root)) === 'snapshots' ? join(dirname(dirname(root)), 'blobs') + sep : undefined;
  if (
    !target.startsWith(root.endsWith(sep) ? root : root + sep) &&
    !(blobs !== undefined && target.startsWith(blobs))
  ) {
    throw new CheckpointError('pathEscape', path, '', 'is a link that leads out of the checkpoint folder');
  }
  return path;
}

/** Whether a file of this name exists. A link that leads outside counts here, and is refused when it is opened. */
export async function exists(directory: string, name: string): Promise<boolean> {
  try {
    return (await stat(join(directory, name))).isFile();
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return false;
    throw asCheckpointError(error, join(directory, name));
  }
}

/**
 * Reads a whole text file (UTF-8) of at most `limit` bytes. Without a limit a hostile file could fill the memory.
 *
 * @throws CheckpointError `missing`, `unreadable`, `outOfRange` (too large) or `malformed` (not UTF-8).
 */
export async function readTextFile(path: string, limit: number): Promise<string> {
  let bytes: Uint8Array;
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      if (size > limit)
        throw new CheckpointError('outOfRange', path, '', `has ${size} bytes; at most ${limit} are read`);
      const buffer = new Uint8Array(size);
      let filled = 0;
      while (filled < size) {
        const { bytesRead } = await handle.read(buffer, filled, size - filled, filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      bytes = buffer.subarray(0, filled);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw asCheckpointError(error, path);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (error) {
    throw new CheckpointError('malformed', path, '', 'is not valid UTF-8 text', { cause: error });
  }
}
