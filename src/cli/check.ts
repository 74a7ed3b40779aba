/** `anchorage check`: lists damaged files and their remedies. */
import * as l10n from '@vscode/l10n';
import { join } from 'node:path';
import { cacheDirectory, type CheckedPart, checkStored, DEFAULT_SETTINGS } from '../app';
import { AppError, formatNumber, printableName } from '../base';
import type { Arguments } from './arguments';
import { modelDirectoryOf, storageOf } from './session';
import { write, writeJson } from './write';

/** @throws AppError when anything is damaged: exit code 1 */
export async function runCheck(args: Arguments): Promise<void> {
  const storageDirectory = storageOf(args, 'check');
  const parts = await checkStored(storageDirectory, {
    modelsDirectory: join(cacheDirectory(), 'models'),
    settings: { ...DEFAULT_SETTINGS, modelDirectory: modelDirectoryOf(args) },
  });
  await (args.json ? writeJson({ storageDirectory, parts }, 2) : write(parts.flatMap(linesOf).join('\n')));
  const damaged = parts.reduce((sum, part) => sum + part.damaged.length, 0);
  if (damaged > 0) throw new AppError<'damaged'>('damaged', l10n.t('{0} damaged.', filesText(damaged)));
}

const filesText = (count: number): string =>
  count === 1 ? l10n.t('1 file') : l10n.t('{0} files', formatNumber(count));

function linesOf({ name, files, damaged, remedy }: CheckedPart): string[] {
  if (files === 0) return [`${name.padEnd(16)} ${l10n.t('nothing stored')}`];
  if (damaged.length === 0) return [`${name.padEnd(16)} ${l10n.t('sound ({0})', filesText(files))}`];
  return [
    `${name.padEnd(16)} ${l10n.t('{0} of {1} damaged.', damaged.length, filesText(files))} ${remedy}`,
    ...damaged.map(({ file, reason }) => `  ${printableName(reason.startsWith(file) ? reason : `${file}: ${reason}`)}`),
  ];
}
