/** Verifies every stored byte of a workspace. Changes nothing. */
import { join } from 'node:path';
import { type Checked, messageOf } from '../base';
import { checkMemories } from '../memory';
import type { WorkerSettings } from '../protocol';
import { checkIndex } from '../workspace';
import { chooseModels } from './models';

/** A part of the store with its damaged files. */
export interface CheckedPart extends Checked {
  name: string;
  /** The step that repairs damaged files. */
  remedy: string;
}

/** Checks index, memories and weights. Reads all of them, which takes seconds for gigabytes. */
export async function checkStored(
  storageDirectory: string,
  models: { modelsDirectory: string; settings: WorkerSettings },
): Promise<CheckedPart[]> {
  return [
    {
      name: 'Index',
      ...(await checkIndex(storageDirectory)),
      remedy: 'Run `anchorage index`: it makes the damaged part again.',
    },
    {
      name: 'Memories',
      ...(await checkMemories(storageDirectory)),
      remedy: 'Run `anchorage index --memories`: it makes the damaged memories again.',
    },
    ...(await checkModels(models)),
  ];
}

async function checkModels(models: { modelsDirectory: string; settings: WorkerSettings }): Promise<CheckedPart[]> {
  // The engine brings a native library, which no other command of the terminal loads.
  const { checkCompiled, checkSums, openCheckpoint } = await import('../engine');
  const { memory, chat } = await chooseModels(models);
  const parts: CheckedPart[] = [];
  for (const choice of [memory, chat]) {
    if (!choice) continue;
    const { directory, kind } = choice;
    const reason = await (
      choice.checked === true
        ? checkSums(directory)
        : openCheckpoint(directory).then((checkpoint) => checkpoint.close())
    ).then(() => undefined, messageOf);
    parts.push({
      name: kind === 'bundled' ? 'Bundled model' : 'Chosen model',
      files: 1,
      damaged: reason === undefined ? [] : [{ file: directory, reason }],
      remedy: kind === 'bundled' ? 'Install the extension again.' : 'Download the model again, or choose another one.',
    });
  }
  parts.push({
    name: 'Compiled models',
    ...(await checkCompiled(join(models.modelsDirectory, 'compiled'))),
    remedy: 'Nothing is to be done: the model is compiled again when it is next loaded.',
  });
  return parts;
}
