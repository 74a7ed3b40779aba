/** Chooses the checkpoints: one with memory slots encodes the workspace, one without writes answers in prose. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { InitializeParams } from '../protocol';
import { hasMemorySlots, type ModelChoice } from '../inference';
import type { ModelChoices } from './engines';

export type { ModelChoices };

/** Names of the models that are in use, loaded or not. */
export interface ModelNames {
  memory?: string;
  chat?: string;
}

/** Folder of the rows of texts that were read, in the storage of the workspace. */
export const ROWS_FOLDER = 'rows';
/** Folder of bundled checkpoints, below the package's root. */
const BUNDLED = /^anchorage-/;
/** The pinned sentence encoder, which the build compiles beside the bundles. */
const ENCODER = 'all-minilm-l6-v2';
/** The bundled reader: the pinned base, which the build puts beside the bundles, and our adapter for it. */
const READER = {
  base: join('models', 'smollm2-135m-instruct', 'SmolLM2-135M-Instruct.Q4_1.gguf'),
  adapter: join('models', 'anchorage-reader-135m'),
};

/**
 * The bundled checkpoint needs no setting. The checkpoint of the settings writes answers, or replaces the bundled one
 * if it has memory slots.
 */
export async function chooseModels(
  {
    modelsDirectory,
    storageDirectory,
    settings,
  }: Pick<InitializeParams, 'modelsDirectory' | 'settings'> & { storageDirectory?: string },
  packageDirectory = join(__dirname, '..'),
): Promise<ModelChoices> {
  const encoder = { encoderDirectory: join(__dirname, 'models', ENCODER) };
  const shared = { compiledDirectory: join(modelsDirectory, 'compiled'), threads: settings.threads };
  const chosen: ModelChoice | undefined = settings.modelDirectory
    ? {
        kind: 'chosen',
        directory: settings.modelDirectory,
        ...(storageDirectory === undefined ? {} : { rowsDirectory: join(storageDirectory, ROWS_FOLDER) }),
        weights: settings.weights,
        ...shared,
      }
    : undefined;
  const server = settings.modelServer
    ? { server: { address: settings.modelServer, allowedHosts: settings.allowedHosts } }
    : {};
  if (chosen && (await hasMemorySlots(chosen.directory))) return { memory: { ...chosen, ...encoder }, ...server };
  const directory = await bundledCheckpoint(join(packageDirectory, 'models'));
  // The bundled files have checksums and a known size, so the setting of the weights' precision does not apply.
  const bundled: ModelChoice | undefined =
    directory === undefined
      ? undefined
      : { kind: 'bundled', directory, weights: 'auto', checked: true, ...shared, ...encoder };
  const rows = storageDirectory === undefined ? {} : { rowsDirectory: join(storageDirectory, ROWS_FOLDER) };
  const reader = chosen ? undefined : await bundledReader(packageDirectory, __dirname);
  const writer = chosen ?? (reader && { ...reader, ...rows, ...shared });
  // A server takes the place of the checkpoint, which then needs no memory.
  const chat = writer && !settings.modelServer ? { chat: writer } : {};
  return { ...(bundled ? { memory: bundled } : {}), ...chat, ...server };
}

/**
 * The bundled reader, which writes answers while no model is chosen. Undefined where its base is not in the build.
 */
export async function bundledReader(
  packageDirectory: string,
  bundles: string,
): Promise<Omit<ModelChoice, 'compiledDirectory' | 'threads'> | undefined> {
  const [directory, adapter] = [join(bundles, READER.base), join(packageDirectory, READER.adapter)];
  for (const file of [directory, join(adapter, 'adapter_config.json')])
    if (!(await stat(file).catch(() => undefined))?.isFile()) return undefined;
  const name = basename(adapter);
  return { kind: 'bundled', name, directory, adapters: [adapter], weights: 'auto', checked: true };
}

export function modelNames({ memory, chat }: ModelChoices): ModelNames {
  return {
    ...(memory ? { memory: basename(memory.directory) } : {}),
    ...(chat ? { chat: chat.name ?? basename(chat.directory) } : {}),
  };
}

/** The last folder models/anchorage-*, by name, that contains a checkpoint with memory slots. */
export async function bundledCheckpoint(models: string): Promise<string | undefined> {
  const names = (await readdir(models).catch(() => [] as string[]))
    .filter((name) => BUNDLED.test(name))
    .sort()
    .reverse();
  for (const name of names) {
    // Only a checkpoint with memory slots encodes a workspace. The reader's folder, which holds no such one, is passed.
    if (await hasMemorySlots(join(models, name))) return join(models, name);
  }
  return undefined;
}
