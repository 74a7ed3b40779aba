/** Adds LoRA adapters to models on disk. */
import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { adaptersFolder, openCheckpoint, withAdapters } from '../engine';
import { HubError } from './errors';

const NAME = /^[\w-][\w.-]{0,95}$/;
/** Files of an adapter that are read or say what it is. Pickles are refused when it is opened. */
const FILES = /\.(json|safetensors)$|^(LICENSE|NOTICE|README)/i;

/**
 * Copies an adapter into the model's folder of adapters, after opening the model with it as a check. The model runs
 * with it from its next start on.
 *
 * @param model folder of a checkpoint, or a .gguf file
 * @returns the adapter's folder
 * @throws CheckpointError when it does not fit the model; HubError when its name is taken
 */
export async function addAdapter(model: string, adapter: string, name = basename(resolve(adapter))): Promise<string> {
  if (!NAME.test(name))
    throw new HubError('malformed', `"${name.slice(0, 200)}" is not a valid folder name for an adapter.`);
  const { path, adapters } = await withAdapters(model);
  const target = join(adaptersFolder(path), name);
  if (await stat(target).catch(() => undefined)) throw new HubError('exists', `${target} already exists.`);
  await (await openCheckpoint(path, { adapters: [...adapters, resolve(adapter)] })).close();
  // A folder without adapter_config.json is no adapter, so half a copy is never used.
  const incoming = join(adaptersFolder(path), `.${name}.incoming`);
  try {
    await mkdir(incoming, { recursive: true });
    for (const file of (await readdir(adapter)).filter((each) => FILES.test(each)))
      await copyFile(join(adapter, file), join(incoming, file), constants.COPYFILE_FICLONE);
    await rename(incoming, target);
  } finally {
    await rm(incoming, { recursive: true, force: true });
  }
  return target;
}
