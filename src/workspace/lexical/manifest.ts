import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { ByteReader, ByteWriter } from './growable';
import { MAGIC, OTHER_VERSION } from './pack-file';
import { storeError } from './pack-writer';

/** The manifest lists the live packs and their removed documents. It is small, written whole and renamed into place. */
export interface ManifestPack {
  name: string;
  /** Rows removed since the pack was written, ascending. */
  removed: readonly number[];
}

export const MANIFEST = 'lexical.manifest';

export async function writeManifest(directory: string, packs: readonly ManifestPack[]): Promise<void> {
  const body = new ByteWriter();
  body.string(MAGIC);
  body.varint(packs.length);
  for (const pack of packs) {
    body.string(pack.name);
    body.varint(pack.removed.length);
    let last = 0;
    for (const row of pack.removed) {
      body.varint(row - last);
      last = row;
    }
  }
  const bytes = Buffer.concat([Buffer.alloc(4), body.view()]);
  bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0);
  const path = join(directory, MANIFEST);
  const temporary = `${path}.tmp`;
  try {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw storeError(error, path);
  }
}

/** Reads the manifest. Resolves to `undefined` when there is none yet, or to the reason why it is unusable. */
export async function readManifest(
  directory: string,
): Promise<readonly ManifestPack[] | { damaged: string } | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(join(directory, MANIFEST));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? undefined
      : { damaged: `cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})` };
  }
  if (bytes.length < 4 || crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0))
    return { damaged: 'the checksum does not match' };
  try {
    const reader = new ByteReader(bytes, 4);
    if (reader.string() !== MAGIC) return { damaged: OTHER_VERSION };
    return Array.from({ length: reader.varint() }, () => {
      const name = reader.string();
      let row = 0;
      const removed = Array.from({ length: reader.varint() }, () => (row += reader.varint()));
      return { name, removed };
    });
  } catch (error) {
    // The checksum of nothing is 0, so a file of four zeros passes it.
    if (error instanceof RangeError) return { damaged: 'it is cut off' };
    throw error;
  }
}
