import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asCheckpointError, CheckpointError } from '../../checkpoint/errors';
import { exists, fileInside } from '../../checkpoint/files';
import { Fields, readJson } from '../../checkpoint/json';
import { SafetensorsFile } from './file';
import type { RowRange, TensorInfo, TensorSource } from '../tensor-source';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 32 << 20;
const MAX_SHARDS = 1000;

/** Weights in one or several safetensors files. Only the headers are held in memory. */
export class SafetensorsSource implements TensorSource {
  readonly files: readonly SafetensorsFile[];
  private readonly directory: string;
  private readonly places: ReadonlyMap<string, SafetensorsFile>;

  constructor(directory: string, files: readonly SafetensorsFile[], places: ReadonlyMap<string, SafetensorsFile>) {
    this.directory = directory;
    this.files = files;
    this.places = places;
  }

  names(): readonly string[] {
    return [...this.places.keys()];
  }

  has(name: string): boolean {
    return this.places.has(name);
  }

  info(name: string): TensorInfo {
    const tensor = this.fileOf(name).tensors.get(name) as TensorInfo;
    return { dtype: tensor.dtype, shape: tensor.shape, byteLength: tensor.byteLength };
  }

  readFloat32(name: string, rows?: RowRange): Promise<Float32Array> {
    return this.fileOf(name).readFloat32(name, rows);
  }

  async close(): Promise<void> {
    await Promise.all(this.files.map((file) => file.close()));
  }

  private fileOf(name: string): SafetensorsFile {
    const file = this.places.get(name);
    if (!file) throw new CheckpointError('missing', this.directory, name, 'the tensor is in none of the weight files');
    return file;
  }
}

/** One safetensors file as a source. @throws CheckpointError */
export async function openSafetensors(path: string): Promise<SafetensorsSource> {
  const file = await SafetensorsFile.open(path);
  return new SafetensorsSource(dirname(path), [file], new Map([...file.tensors.keys()].map((name) => [name, file])));
}

/**
 * Opens the weights of a folder: `model.safetensors`, or the shards named by `model.safetensors.index.json`, or the
 * only `*.safetensors` there is.
 *
 * @throws CheckpointError
 */
export async function openWeights(directory: string): Promise<SafetensorsSource> {
  if (await exists(directory, SINGLE)) return openFiles(directory, [SINGLE], SINGLE);
  if (await exists(directory, INDEX)) return openSharded(directory);
  const others = (await list(directory)).filter(
    (name) => name.endsWith('.safetensors') && !name.startsWith('adapter_') && name !== 'trainable_params.safetensors',
  );
  const [only] = others;
  if (only !== undefined && others.length === 1) return openFiles(directory, [only], only);
  const advice =
    others.length > 1
      ? `holds ${others.length} weight files but no ${INDEX} that says which belong to the model`
      : `holds no ${SINGLE} and no ${INDEX}; checkpoints in pickle form (.bin, .pth) are not read`;
  throw new CheckpointError('missing', directory, SINGLE, advice);
}

async function list(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    throw asCheckpointError(error, directory);
  }
}

/**
 * The index names a shard for each tensor. Shards must be in the folder and hold exactly the tensors that the index
 * gives them.
 */
async function openSharded(directory: string): Promise<SafetensorsSource> {
  const path = await fileInside(directory, INDEX);
  const map = new Fields(await readJson(path, MAX_INDEX_BYTES), path).optionalObject('weight_map');
  if (!map) throw new CheckpointError('missing', path, 'weight_map', 'is required and absent');
  const shardOf = new Map<string, string>();
  for (const [tensor, shard] of map.entries()) {
    if (typeof shard !== 'string') throw map.error('malformed', tensor.slice(0, 200), 'must name a file');
    shardOf.set(tensor, shard);
  }
  const shards = [...new Set(shardOf.values())].sort();
  if (shards.length === 0 || shards.length > MAX_SHARDS)
    throw new CheckpointError('outOfRange', path, 'weight_map', `names ${shards.length} files`);
  const source = await openFiles(directory, shards, path);
  try {
    for (const [tensor, shard] of shardOf) {
      const file = source.files[shards.indexOf(shard)];
      if (!file?.tensors.has(tensor))
        throw new CheckpointError(
          'mismatch',
          path,
          tensor.slice(0, 200),
          `is said to be in ${shard.slice(0, 100)}, and is not`,
        );
    }
    return source;
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function openFiles(directory: string, names: readonly string[], namedBy: string): Promise<SafetensorsSource> {
  const files: SafetensorsFile[] = [];
  try {
    for (const name of names) files.push(await SafetensorsFile.open(await fileInside(directory, name, namedBy)));
    const places = new Map<string, SafetensorsFile>();
    for (const file of files) {
      for (const name of file.tensors.keys()) {
        if (places.has(name))
          throw new CheckpointError('mismatch', file.path, name.slice(0, 200), 'stands in two weight files');
        places.set(name, file);
      }
    }
    return new SafetensorsSource(directory, files, places);
  } catch (error) {
    await Promise.all(files.map((file) => file.close()));
    throw error;
  }
}
