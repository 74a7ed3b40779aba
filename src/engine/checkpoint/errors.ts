import { AppError, errorCode, messageOf } from '../../base';

/** Kinds of faults in a checkpoint. A client may choose its advice by them. */
export type CheckpointErrorCode =
  | 'missing' // a file, field or tensor that must be there is not
  | 'unreadable' // the operating system refused
  | 'malformed' // not the format it claims to be
  | 'outOfRange' // a value no real model has
  | 'unsupported' // a well-formed model of a kind that is not built here
  | 'mismatch' // two files, or a file and the config, contradict each other
  | 'pathEscape' // a name that leads out of the folder
  | 'changed' // the file was replaced or cut while it was open
  | 'notFinite' // NaN or infinite weights
  | 'timeout'; // took longer than any honest file needs

/** A checkpoint that cannot be used. The message names the file, the field and the cure. */
export class CheckpointError extends AppError<CheckpointErrorCode> {
  override readonly name = 'CheckpointError';
  /** Path of the file at fault. */
  readonly file: string;
  /** Field, tensor or entry at fault; empty when the file as a whole is. */
  readonly field: string;

  constructor(code: CheckpointErrorCode, file: string, field: string, message: string, options?: { cause?: unknown }) {
    super(code, `${file}${field === '' ? '' : ` (${field})`}: ${message}`, undefined, options);
    this.file = file;
    this.field = field;
  }
}

/** Turns an operating-system error into a CheckpointError; passes CheckpointErrors through. */
export function asCheckpointError(error: unknown, file: string): CheckpointError {
  if (error instanceof CheckpointError) return error;
  const code = errorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new CheckpointError('missing', file, '', 'the file does not exist', { cause: error });
  return new CheckpointError('unreadable', file, '', `cannot be accessed: ${messageOf(error)}`, { cause: error });
}
