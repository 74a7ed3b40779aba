import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CheckpointError } from '../checkpoint/errors';
import { exists, fileInside } from '../checkpoint/files';
import { Fields, readJson } from '../checkpoint/json';
import { detectFormat } from '../formats/registry';

const CONFIG = 'adapter_config.json';
const MAX_CONFIG_BYTES = 1 << 20;
/** Folder for adapters in a checkpoint's folder. Of a .gguf file it is `FILE.adapters`, beside the file. */
const FOLDER = 'adapters';

/** A model as it is opened: a checkpoint, and the folders of the adapters that are merged into it, in this order. */
export interface AdaptedModel {
  path: string;
  adapters: string[];
}

/**
 * Finds the adapters that lie with a checkpoint: one in its folder, and those in the folders of `adapters/`, by name. A
 * folder that holds an adapter only is opened with its base, if the base is installed beside it.
 *
 * @throws CheckpointError when the base of an adapter is not there
 */
export async function withAdapters(path: string): Promise<AdaptedModel> {
  if ((await detectFormat(path)) === undefined && (await exists(path, CONFIG))) {
    const base = await baseOf(path);
    return { path: base, adapters: [...(await adaptersIn(base)), path] };
  }
  return { path, adapters: await adaptersIn(path) };
}

/** Where adapters of a checkpoint are added. */
export function adaptersFolder(path: string): string {
  return /\.gguf$/i.test(path) ? `${path}.${FOLDER}` : join(path, FOLDER);
}

async function adaptersIn(path: string): Promise<string[]> {
  const folder = adaptersFolder(path);
  const names = await readdir(folder).catch(() => [] as string[]);
  const found: string[] = (await exists(path, CONFIG)) ? [path] : [];
  for (const name of names.filter((each) => !each.startsWith('.')).sort())
    if (await exists(join(folder, name), CONFIG)) found.push(join(folder, name));
  return found;
}

/** The folder of an adapter's base: the path it names, or an installed model of that name in the same folder. */
async function baseOf(adapter: string): Promise<string> {
  const config = await fileInside(adapter, CONFIG);
  const name = new Fields(await readJson(config, MAX_CONFIG_BYTES), config).string('base_model_name_or_path');
  const beside = dirname(resolve(adapter));
  for (const place of [
    resolve(adapter, name),
    join(beside, name.replaceAll('/', '--')),
    join(beside, basename(name)),
  ]) {
    if (place !== resolve(adapter) && (await detectFormat(place)) !== undefined) return place;
  }
  throw new CheckpointError(
    'missing',
    adapter,
    'base_model_name_or_path',
    `this folder holds an adapter for "${name.slice(0, 120)}", which is not installed; install that model, or ` +
      `put the adapter into its folder ${FOLDER}`,
  );
}
