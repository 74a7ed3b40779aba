import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '../checkpoint/types';
import type { WeightFormat } from './options';
import { FileWeightWriter, MemoryWeightWriter, unwritable, WEIGHTS_FILE, type StoredTensors } from './weight-file';
import { compileWeights } from './weights';

/** Version of the layout of compiled weights. Older ones are compiled again. */
const VERSION = 3;
const MANIFEST = 'manifest.json';
const SAMPLES = 32;
const SAMPLE_BYTES = 4096;

/** Compiled weights: in a folder that the runtime maps, or in memory. */
export interface CompiledWeights {
  stored: StoredTensors;
  source: { directory: string } | { data: Uint8Array };
  byteLength: number;
  /** Whether they were found in the cache. */
  cached: boolean;
}

interface Manifest {
  version: number;
  byteLength: number;
  /** sha256 (hex) over samples of the weights and over the table of tensors. */
  digest: string;
  tensors: StoredTensors;
}

/**
 * Opens the compiled weights of a checkpoint from `cacheDirectory`, or compiles them now. They are written to a folder
 * of their own, which is renamed when it is complete, so that a killed process leaves no half of a model. A damaged
 * folder is compiled again.
 *
 * @throws CheckpointError when a tensor is damaged; DecoderError 'cacheUnwritable'
 */
export async function openCompiled(
  checkpoint: Checkpoint,
  weights: WeightFormat,
  cacheDirectory: string | null,
): Promise<CompiledWeights> {
  if (cacheDirectory === null) {
    const writer = new MemoryWeightWriter();
    await compileWeights(checkpoint, weights, writer);
    const data = writer.data();
    return { stored: writer.tensors, source: { data }, byteLength: data.length, cached: false };
  }
  const directory = join(cacheDirectory, `${checkpoint.fingerprint.slice(0, 32)}-${weights}-v${VERSION}`);
  const found = await readManifest(directory);
  if (found) return { stored: found.tensors, source: { directory }, byteLength: found.byteLength, cached: true };
  await compileTo(directory, checkpoint, weights);
  const made = await readManifest(directory);
  if (!made) throw unwritable(directory, new Error('what was written does not read back'));
  return { stored: made.tensors, source: { directory }, byteLength: made.byteLength, cached: false };
}

async function compileTo(directory: string, checkpoint: Checkpoint, weights: WeightFormat): Promise<void> {
  const partial = `${directory}.${process.pid}-${randomBytes(4).toString('hex')}.partial`;
  try {
    await mkdir(partial, { recursive: true });
  } catch (cause) {
    throw unwritable(partial, cause);
  }
  try {
    const path = join(partial, WEIGHTS_FILE);
    const writer = await FileWeightWriter.create(path);
    try {
      await compileWeights(checkpoint, weights, writer);
      await writer.finish();
    } finally {
      await writer.close();
    }
    const { size } = await stat(path);
    const manifest: Manifest = {
      version: VERSION,
      byteLength: size,
      digest: await digestOf(path, size, writer.tensors),
      tensors: writer.tensors,
    };
    await write(join(partial, MANIFEST), JSON.stringify(manifest));
    await replace(partial, directory);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/** Puts the finished folder in place. Another process may have been faster, or a damaged folder may be in the way. */
async function replace(partial: string, directory: string): Promise<void> {
  try {
    await rename(partial, directory);
  } catch {
    if (await readManifest(directory)) return;
    try {
      await rm(directory, { recursive: true, force: true });
      await rename(partial, directory);
    } catch (cause) {
      throw unwritable(directory, cause);
    }
  }
}

/** The manifest, if the folder holds complete and undamaged weights. */
async function readManifest(directory: string): Promise<Manifest | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(directory, MANIFEST), 'utf8')) as Manifest;
    const path = join(directory, WEIGHTS_FILE);
    const { size } = await stat(path);
    if (manifest.version !== VERSION || manifest.byteLength !== size) return undefined;
    return (await digestOf(path, size, manifest.tensors)) === manifest.digest ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A digest of the table and of evenly spaced samples: enough to notice a cut or overwritten file without reading
 * gigabytes.
 */
async function digestOf(path: string, size: number, tensors: StoredTensors): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(tensors));
  const file = await open(path, 'r');
  try {
    const sample = Buffer.alloc(Math.min(SAMPLE_BYTES, size));
    for (let i = 0; i < SAMPLES; i++) {
      await file.read(sample, 0, sample.length, Math.floor(((size - sample.length) * i) / (SAMPLES - 1)));
      hash.update(sample);
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}
