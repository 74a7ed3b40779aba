import { AppError, errorCode } from '../../base';

export type ReadErrorCode =
  | 'missing'
  | 'denied'
  | 'binary'
  | 'tooLarge'
  | 'directory'
  /** A device, pipe or socket, or a link where none is allowed. */
  | 'special'
  /** The file is not what its type says: a notebook that is no JSON. */
  | 'malformed'
  | 'failed';

/** A file that gives no document, and the reason. */
export class ReadError extends AppError<ReadErrorCode> {
  override readonly name = 'ReadError';

  constructor(
    code: ReadErrorCode,
    readonly file: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, `${file}: ${message}`, undefined, options);
  }
}

/** The ReadError for whatever went wrong with a file. */
export function readErrorOf(error: unknown, file: string): ReadError {
  if (error instanceof ReadError) return error;
  const code = errorCode(error);
  const options = { cause: error };
  if (code === 'ENOENT' || code === 'ENOTDIR') return new ReadError('missing', file, 'is not there any more', options);
  if (code === 'EACCES' || code === 'EPERM')
    return new ReadError('denied', file, 'may not be read: check its permissions', options);
  if (code === 'EISDIR') return new ReadError('directory', file, 'is a folder', options);
  // A socket cannot be opened; with O_NOFOLLOW, neither can a link.
  if (code === 'ENXIO' || code === 'ELOOP') return new ReadError('special', file, 'is no regular file', options);
  return new ReadError('failed', file, `cannot be read (${code ?? String(error)})`, options);
}
