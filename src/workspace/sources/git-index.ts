/**
 * Reads which files git tracks, from the index of a repository (gitformat-index, versions 2 to 4). A tracked file
 * belongs to the workspace, even where a pattern of an ignore file matches it.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Paths from the root of the work tree, with forward slashes. */
export interface TrackedFiles {
  files: ReadonlySet<string>;
  /** All folders that hold a tracked file. */
  folders: ReadonlySet<string>;
}

const MAX_BYTES = 256 << 20;
const NONE: TrackedFiles = { files: new Set(), folders: new Set() };
const HEADER = 12;
/** Bytes of an entry before its name: times, mode, sizes, object id, flags. */
const ENTRY = 62;
const EXTENDED = 0x4000;

let latest: { file: string; stamp: string; tracked: TrackedFiles } | undefined;

/**
 * The tracked files of a repository; none where the index is absent, damaged or of an unknown version.
 * @param gitDirectory the folder with the index of the work tree
 */
export function trackedFiles(gitDirectory: string): TrackedFiles {
  const file = join(gitDirectory, 'index');
  try {
    const { size, mtimeMs } = statSync(file);
    const stamp = `${size} ${mtimeMs}`;
    if (latest?.file === file && latest.stamp === stamp) return latest.tracked;
    const tracked = size > MAX_BYTES ? NONE : readIndex(readFileSync(file));
    latest = { file, stamp, tracked };
    return tracked;
  } catch {
    return NONE;
  }
}

export function readIndex(bytes: Buffer): TrackedFiles {
  if (bytes.length < HEADER || bytes.toString('latin1', 0, 4) !== 'DIRC') return NONE;
  const version = bytes.readUInt32BE(4);
  if (version < 2 || version > 4) return NONE;
  const files = new Set<string>();
  let at = HEADER;
  let name: Buffer = Buffer.alloc(0);
  for (let left = bytes.readUInt32BE(8); left > 0 && at + ENTRY < bytes.length; left--) {
    const flags = bytes.readUInt16BE(at + ENTRY - 2);
    let from = at + ENTRY + (version >= 3 && (flags & EXTENDED) !== 0 ? 2 : 0);
    if (version === 4) {
      // The name is the previous one without its last bytes, and what follows.
      let drop = 0;
      for (;;) {
        const byte = bytes[from++] ?? 0;
        drop = (drop << 7) | (byte & 0x7f);
        if ((byte & 0x80) === 0) break;
        drop++;
      }
      const end = bytes.indexOf(0, from);
      if (end < 0) break;
      name = Buffer.concat([name.subarray(0, Math.max(0, name.length - drop)), bytes.subarray(from, end)]);
      at = end + 1;
    } else {
      const end = bytes.indexOf(0, from);
      if (end < 0) break;
      name = bytes.subarray(from, end);
      at += Math.ceil((end - at + 1) / 8) * 8;
    }
    files.add(name.toString('utf8'));
  }
  const folders = new Set<string>();
  for (const file of files)
    for (let slash = file.lastIndexOf('/'); slash > 0; slash = file.lastIndexOf('/', slash - 1)) {
      const folder = file.slice(0, slash);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  return { files, folders };
}
