/** Reads a file for a request. The error of a failed read tells the user what to do. */
import * as l10n from '@vscode/l10n';
import { AppError } from '../base';
import type { ErrorCode } from '../protocol';
import { ReadError } from '../workspace';
import type { Document } from '../workspace';
import type { AssistantLibrary } from './library';

/** @throws AppError('fileNotFound' | 'fileUnreadable') */
export async function readOrThrow(library: Pick<AssistantLibrary, 'read'>, file: string): Promise<Document> {
  try {
    return await library.read(file);
  } catch (error) {
    throw errorForUser(error);
  }
}

/** The error of a failed read as it is shown to the user; any other error as it is. */
export function errorForUser(error: unknown): unknown {
  if (!(error instanceof ReadError)) return error;
  const known = remedies()[error.code];
  return new AppError(known.code, error.message, known.hint, { cause: error });
}

/** Advice for each failure. */
function remedies(): Record<ReadError['code'], { code: ErrorCode; hint: string }> {
  return {
    missing: { code: 'fileNotFound', hint: l10n.t('It may have been moved or deleted.') },
    denied: { code: 'fileUnreadable', hint: l10n.t('Check the permissions of the file.') },
    binary: { code: 'fileUnreadable', hint: l10n.t('Only text files can be read.') },
    tooLarge: {
      code: 'fileUnreadable',
      hint: l10n.t('Raise the setting anchorage.index.maxFileSizeKB to read larger files.'),
    },
    directory: { code: 'fileUnreadable', hint: l10n.t('Choose a file in this folder.') },
    special: { code: 'fileUnreadable', hint: l10n.t('Only regular files can be read.') },
    malformed: { code: 'fileUnreadable', hint: l10n.t('Repair the file, or copy its text to a text file.') },
    encrypted: { code: 'fileUnreadable', hint: l10n.t('Save a copy without a password.') },
    noText: { code: 'fileUnreadable', hint: l10n.t('A copy with recognized text (OCR) can be read.') },
    slow: { code: 'fileUnreadable', hint: l10n.t('Split it into smaller files.') },
    failed: { code: 'fileUnreadable', hint: l10n.t('Check that another program can open it.') },
  };
}
