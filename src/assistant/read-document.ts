/** Reads a file for a request. The error of a failed read tells the user what to do. */
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
  const known = UNREADABLE[error.code];
  return new AppError(known.code, error.message, known.hint, { cause: error });
}

const UNREADABLE: Record<ReadError['code'], { code: ErrorCode; hint: string }> = {
  missing: { code: 'fileNotFound', hint: 'It may have been moved or deleted.' },
  denied: { code: 'fileUnreadable', hint: 'Check the permissions of the file.' },
  binary: { code: 'fileUnreadable', hint: 'Only text files can be read.' },
  tooLarge: { code: 'fileUnreadable', hint: 'Raise the setting anchorage.index.maxFileSizeKB to read larger files.' },
  directory: { code: 'fileUnreadable', hint: 'Choose a file in this folder.' },
  special: { code: 'fileUnreadable', hint: 'Only regular files can be read.' },
  malformed: { code: 'fileUnreadable', hint: 'Repair the file, or copy its text to a text file.' },
  encrypted: { code: 'fileUnreadable', hint: 'Save a copy without a password.' },
  noText: { code: 'fileUnreadable', hint: 'A copy with recognized text (OCR) can be read.' },
  slow: { code: 'fileUnreadable', hint: 'Split it into smaller files.' },
  failed: { code: 'fileUnreadable', hint: 'Check that another program can open it.' },
};
