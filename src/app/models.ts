/**
 * Which checkpoints are used, and for what: one with memory slots encodes the workspace, one without writes answers in
 * prose.
 */
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

/** Folder of bundled checkpoints, below the package's root. */
const BUNDLED = /^anchorage-/;

/**
 * The bundled checkpoint is used without any setting; one that the user chose writes, or takes its place when it has
 * slots of its own.
 */
export async function chooseModels(
  { modelsDirectory, settings }: Pick<InitializeParams, 'modelsDirectory' | 'settings'>,
  packageDirectory = join(__dirname, '..'),
): Promise<ModelChoices> {
  const shared = { compiledDirectory: join(modelsDirectory, 'compiled'), threads: settings.threads };
  const chosen: ModelChoice | undefined = settings.modelDirectory
    ? { kind: 'chosen', directory: settings.modelDirectory, weights: settings.weights, ...shared }
    : undefined;
  if (chosen && (await hasMemorySlots(chosen.directory))) return { memory: chosen };
  const directory = await bundledCheckpoint(join(packageDirectory, 'models'));
  // What came with the package was hashed when it was made, and its size is known: the settings of the weights are for
  // others.
  const bundled: ModelChoice | undefined =
    directory === undefined ? undefined : { kind: 'bundled', directory, weights: 'auto', checked: true, ...shared };
  return { ...(bundled ? { memory: bundled } : {}), ...(chosen ? { chat: chosen } : {}) };
}

export function modelNames({ memory, chat }: ModelChoices): ModelNames {
  return {
    ...(memory ? { memory: basename(memory.directory) } : {}),
    ...(chat ? { chat: basename(chat.directory) } : {}),
  };
}

/** The last of models/anchorage-*, by name, that holds a checkpoint. */
export async function bundledCheckpoint(models: string): Promise<string | undefined> {
  const names = (await readdir(models).catch(() => [] as string[]))
    .filter((name) => BUNDLED.test(name))
    .sort()
    .reverse();
  for (const name of names) {
    const config = await stat(join(models, name, 'config.json')).catch(() => undefined);
    if (config?.isFile()) return join(models, name);
  }
  return undefined;
}
