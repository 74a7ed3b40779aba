/** Verifies every stored byte of a workspace. Changes nothing. */
import * as l10n from '@vscode/l10n';
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
      remedy: l10n.t('Run `anchorage index`: it makes the damaged part again.'),
    },
    {
      name: 'Memories',
      ...(await checkMemories(storageDirectory)),
      remedy: l10n.t('Run `anchorage index --memories`: it makes the damaged memories again.'),
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
      name: kind === 'bundled' ? l10n.t('Bundled model') : l10n.t('Chosen model'),
      files: 1,
      damaged: reason === undefined ? [] : [{ file: directory, reason }],
      remedy:
        kind === 'bundled'
          ? l10n.t('Install the extension again.')
          : l10n.t('Download the model again, or choose another one.'),
    });
  }
  parts.push({
    name: l10n.t('Compiled models'),
    ...(await checkCompiled(join(models.modelsDirectory, 'compiled'))),
    remedy: l10n.t('Nothing is to be done: the model is compiled again when it is next loaded.'),
  });
  return parts;
}
