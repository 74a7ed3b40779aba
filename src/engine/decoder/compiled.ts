import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Checked } from '../../base';
import type { Checkpoint } from '../checkpoint/types';
import { WeightChecksums, digestOf } from './checksums';
import type { WeightFormat } from './options';
import { FileWeightWriter, MemoryWeightWriter, unwritable, WEIGHTS_FILE, type StoredTensors } from './weight-file';
import { compileWeights, type TellProgress } from './compile-weights';

/** Version of the layout of compiled weights. Older ones are compiled again. */
const VERSION = 7;
const MANIFEST = 'manifest.json';

/** Compiled weights: in a folder that the runtime maps, or in memory. */
export interface CompiledWeights {
  stored: StoredTensors;
  source: { directory: string } | { data: Uint8Array };
  byteLength: number;
  /** The identity of the content: sha256 (hex) over the checksums of all bytes and the table of tensors. */
  digest: string;
  /** Whether they were found in the cache. */
  cached: boolean;
}

interface Manifest {
  version: number;
  byteLength: number;
  /** See CompiledWeights. */
  digest: string;
  tensors: StoredTensors;
}

export interface CompileListener {
  /** Told what was found damaged and is made anew. */
  damaged?: ((message: string) => void) | undefined;
  progress?: TellProgress | undefined;
}

/**
 * Opens the compiled weights of a checkpoint from `cacheDirectory`, or compiles them now. Every byte is verified. They
 * are written to a folder of their own, which is renamed when it is complete, so that a killed process leaves no half
 * of a model. A damaged folder is compiled again, and the listener is told.
 *
 * @throws CheckpointError when a tensor is damaged; DecoderError 'cacheUnwritable'
 */
export async function openCompiled(
  checkpoint: Checkpoint,
  weights: WeightFormat,
  cacheDirectory: string | null,
  tell: CompileListener = {},
): Promise<CompiledWeights> {
  if (cacheDirectory === null) {
    const writer = new MemoryWeightWriter();
    await compileWeights(checkpoint, weights, writer, tell.progress);
    const data = writer.data();
    const checksums = new WeightChecksums();
    checksums.add(data);
    return {
      stored: writer.tensors,
      source: { data },
      byteLength: data.length,
      digest: checksums.digest(writer.tensors),
      cached: false,
    };
  }
  const directory = join(cacheDirectory, `${checkpoint.fingerprint.slice(0, 32)}-${weights}-v${VERSION}`);
  const found = await readManifest(directory);
  if (found.state === 'sound') return compiled(found.manifest, directory, true);
  if (found.state === 'damaged')
    tell.damaged?.(`${directory}: the compiled model is damaged (${found.reason}); compiling it again`);
  await removeLeftOver(cacheDirectory);
  await compileTo(directory, checkpoint, weights, tell.progress);
  await removeOlder(directory);
  const made = await readManifest(directory);
  if (made.state !== 'sound') throw unwritable(directory, new Error('what was written does not read back'));
  return compiled(made.manifest, directory, false);
}

function compiled({ tensors, byteLength, digest }: Manifest, directory: string, cached: boolean): CompiledWeights {
  return { stored: tensors, source: { directory }, byteLength, digest, cached };
}

/** Removes what processes that were killed while they compiled have left: up to the size of a model each. */
async function removeLeftOver(cacheDirectory: string): Promise<void> {
  for (const name of await readdir(cacheDirectory).catch(() => [])) {
    const [, pid] = /\.(\d+)-[0-9a-f]{8}\.partial$/.exec(name) ?? [];
    if (pid === undefined || isAlive(Number(pid))) continue;
    await rm(join(cacheDirectory, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Removes what earlier versions compiled of the same model. They compile it anew if they run again. */
async function removeOlder(directory: string): Promise<void> {
  const [, name = ''] = /^(.*-v)\d+$/.exec(basename(directory)) ?? [];
  for (const other of await readdir(dirname(directory)).catch(() => [])) {
    const version = other.startsWith(name) ? /^\d+$/.exec(other.slice(name.length)) : null;
    if (!version || Number(version[0]) >= VERSION) continue;
    await rm(join(dirname(directory), other), { recursive: true, force: true }).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function compileTo(
  directory: string,
  checkpoint: Checkpoint,
  weights: WeightFormat,
  progress: TellProgress | undefined,
): Promise<void> {
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
      await compileWeights(checkpoint, weights, writer, progress);
      await writer.finish();
    } finally {
      await writer.close();
    }
    const { size } = await stat(path);
    const manifest: Manifest = {
      version: VERSION,
      byteLength: size,
      digest: writer.checksums.digest(writer.tensors),
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
    if ((await readManifest(directory)).state === 'sound') return;
    try {
      await rm(directory, { recursive: true, force: true });
      await rename(partial, directory);
    } catch (cause) {
      throw unwritable(directory, cause);
    }
  }
}

type Found = { state: 'sound'; manifest: Manifest } | { state: 'absent' } | { state: 'damaged'; reason: string };

/** The manifest of a folder whose weights are complete: every byte is read and compared. */
async function readManifest(directory: string): Promise<Found> {
  let manifest: Manifest;
  try {
    manifest = JSON.parse(await readFile(join(directory, MANIFEST), 'utf8')) as Manifest;
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT' && !(await exists(directory));
    return absent ? { state: 'absent' } : { state: 'damaged', reason: `${MANIFEST} cannot be read` };
  }
  const path = join(directory, WEIGHTS_FILE);
  try {
    const { size } = await stat(path);
    if (manifest.version !== VERSION || manifest.byteLength !== size)
      return { state: 'damaged', reason: `${WEIGHTS_FILE} has ${size} bytes, ${manifest.byteLength} were written` };
    if ((await digestOf(path, manifest.tensors)) !== manifest.digest)
      return { state: 'damaged', reason: `${WEIGHTS_FILE} is not what was written` };
  } catch (error) {
    return { state: 'damaged', reason: error instanceof Error ? error.message : String(error) };
  }
  return { state: 'sound', manifest };
}

/** Verifies all compiled models of a folder. Those of other versions are not used, and not read. */
export async function checkCompiled(cacheDirectory: string): Promise<Checked> {
  const names = (await readdir(cacheDirectory).catch(() => [])).filter((name) => name.endsWith(`-v${VERSION}`));
  const damaged = [];
  for (const name of names) {
    const found = await readManifest(join(cacheDirectory, name));
    if (found.state === 'damaged') damaged.push({ file: join(cacheDirectory, name), reason: found.reason });
  }
  return { files: names.length, damaged };
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
