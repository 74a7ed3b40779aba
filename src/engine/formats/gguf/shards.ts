import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asCheckpointError, CheckpointError } from '../../checkpoint/errors';
import { fileInside } from '../../checkpoint/files';
import { GgufFile } from './file';

const SHARD = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;
const MAX_SHARDS = 1000;

/** The file that a folder's model begins with. @throws CheckpointError when there is none, or more than one model */
export async function ggufInFolder(directory: string): Promise<string> {
  const names = await modelFiles(directory);
  const firsts = names.filter((name) => Number(SHARD.exec(name)?.[2] ?? 1) === 1);
  const [only] = firsts;
  if (only === undefined)
    throw new CheckpointError('missing', directory, '', 'holds no .gguf file that begins a model');
  if (firsts.length > 1)
    throw new CheckpointError(
      'mismatch',
      directory,
      '',
      `holds ${firsts.length} models in .gguf files; name one of them`,
    );
  return join(directory, only);
}

/** Names of a folder's .gguf files, without projectors of images. @throws CheckpointError */
export async function modelFiles(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => /\.gguf$/i.test(name) && !/^mmproj/i.test(name)).sort();
  } catch (error) {
    throw asCheckpointError(error, directory);
  }
}

/**
 * Opens a file, or all shards of a model whose files are named `…-00001-of-0000N.gguf`. The first shard has the
 * metadata; each says its number and how many there are (`split.no`, `split.count`).
 *
 * @param path the file, or any of the shards
 * @throws CheckpointError
 */
export async function openShards(path: string): Promise<GgufFile[]> {
  const [, stem, , total] = SHARD.exec(basename(path)) ?? [];
  if (stem === undefined || total === undefined) {
    const file = await GgufFile.open(path);
    const count = splitField(file, 'split.count');
    if (count === undefined || count <= 1) return [file];
    await file.close();
    throw new CheckpointError(
      'mismatch',
      path,
      'split.count',
      `is ${count}, but the file is not named …-00001-of-${String(count).padStart(5, '0')}.gguf`,
    );
  }
  const count = Number(total);
  if (count < 1 || count > MAX_SHARDS)
    throw new CheckpointError(
      'outOfRange',
      path,
      '',
      `is named as one of ${count} files; at most ${MAX_SHARDS} are read`,
    );
  const files: GgufFile[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const name = `${stem}-${String(i + 1).padStart(5, '0')}-of-${total}.gguf`;
      const file = await GgufFile.open(await fileInside(dirname(path), name, path));
      files.push(file);
      expectSplit(file, 'split.no', i);
      expectSplit(file, 'split.count', count);
    }
    return files;
  } catch (error) {
    await Promise.all(files.map((file) => file.close()));
    throw error;
  }
}

function splitField(file: GgufFile, key: string): number | undefined {
  const value = file.metadata.get(key);
  return typeof value === 'number' ? value : undefined;
}

/** A file that says otherwise is another model's, or stands for two shards by a link. */
function expectSplit(file: GgufFile, key: string, expected: number): void {
  const value = splitField(file, key);
  if (value !== expected)
    throw new CheckpointError('mismatch', file.path, key, `is ${value ?? 'absent'}, the file's name says ${expected}`);
}
