/** `anchorage check`: lists damaged files and their remedies. */
import { join } from 'node:path';
import { type CheckedPart, checkStored } from '../app';
import { AppError, counted, printableName } from '../base';
import type { Arguments } from './arguments';
import { cacheDirectory, DEFAULTS, modelDirectoryOf, storageOf } from './session';
import { write, writeJson } from './write';

/** @throws AppError when anything is harmed: exit code 1 */
export async function runCheck(args: Arguments): Promise<void> {
  const storageDirectory = storageOf(args, 'check');
  const parts = await checkStored(storageDirectory, {
    modelsDirectory: join(cacheDirectory(), 'models'),
    settings: { ...DEFAULTS, modelDirectory: modelDirectoryOf(args) },
  });
  await (args.json ? writeJson({ storageDirectory, parts }, 2) : write(parts.flatMap(linesOf).join('\n')));
  const harmed = parts.reduce((sum, part) => sum + part.harmed.length, 0);
  if (harmed > 0) throw new AppError<'harmed'>('harmed', `${counted(harmed, 'file')} harmed.`);
}

function linesOf({ name, files, harmed, remedy }: CheckedPart): string[] {
  if (files === 0) return [`${name.padEnd(16)} nothing stored`];
  if (harmed.length === 0) return [`${name.padEnd(16)} sound (${counted(files, 'file')})`];
  return [
    `${name.padEnd(16)} ${harmed.length} of ${counted(files, 'file')} harmed. ${remedy}`,
    ...harmed.map(({ file, reason }) => `  ${printableName(reason.startsWith(file) ? reason : `${file}: ${reason}`)}`),
  ];
}
