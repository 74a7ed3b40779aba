/** Chooses the checkpoints: one with memory slots encodes the workspace, one without writes answers in prose. */
import { readdir } from 'node:fs/promises';
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
  // A server takes the place of the checkpoint, which then needs no memory.
  const chat = chosen && !settings.modelServer ? { chat: chosen } : {};
  return { ...(bundled ? { memory: bundled } : {}), ...chat, ...server };
}

export function modelNames({ memory, chat }: ModelChoices): ModelNames {
  return {
    ...(memory ? { memory: basename(memory.directory) } : {}),
    ...(chat ? { chat: basename(chat.directory) } : {}),
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
