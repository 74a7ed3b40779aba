/** Which checkpoint writes the answers: the one the user chose, else the one that came with the package, else none. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { InitializeParams } from '../protocol';
import type { ModelChoice } from './engine-process';

/** Folder of bundled checkpoints, below the package's root. */
const BUNDLED = /^anchorage-/;

export async function chooseModel(
  { modelsDirectory, settings }: Pick<InitializeParams, 'modelsDirectory' | 'settings'>,
  packageDirectory = join(__dirname, '..'),
): Promise<ModelChoice | undefined> {
  const shared = { compiledDirectory: join(modelsDirectory, 'compiled'), weights: settings.weights, threads: settings.threads };
  if (settings.modelDirectory) return { kind: 'chosen', directory: settings.modelDirectory, ...shared };
  const directory = await bundledCheckpoint(join(packageDirectory, 'models'));
  return directory ? { kind: 'bundled', directory, ...shared } : undefined;
}

/** The last of models/anchorage-*, by name, that holds a checkpoint. */
async function bundledCheckpoint(models: string): Promise<string | undefined> {
  const names = (await readdir(models).catch(() => [] as string[])).filter((name) => BUNDLED.test(name)).sort().reverse();
  for (const name of names) {
    const config = await stat(join(models, name, 'config.json')).catch(() => undefined);
    if (config?.isFile()) return join(models, name);
  }
  return undefined;
}
