import { AppError, errorCode } from '../../base';

export type ReadErrorCode =
  | 'missing'
  | 'denied'
  | 'binary'
  | 'tooLarge'
  | 'directory'
  /** A device, pipe or socket, or a link where links are refused. */
  | 'special'
  /** The content is invalid for the file's type: a notebook that is not JSON. */
  | 'malformed'
  /** Opens with a password only. */
  | 'encrypted'
  /** A document without text, such as scanned pages. */
  | 'noText'
  /** Took longer to read than a document may. */
  | 'slow'
  | 'failed';

/** A file that gives no document, with the reason. */
export class ReadError extends AppError<ReadErrorCode> {
  override readonly name = 'ReadError';

  constructor(
    code: ReadErrorCode,
    readonly file: string,
    /** Continues "It …" or the file's name. */
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(code, `${file}: ${reason}`, undefined, options);
  }
}

/** Converts any error about a file to a ReadError. */
export function readErrorOf(error: unknown, file: string): ReadError {
  if (error instanceof ReadError) return error;
  const code = errorCode(error);
  const options = { cause: error };
  if (code === 'ENOENT' || code === 'ENOTDIR') return new ReadError('missing', file, 'no longer exists', options);
  if (code === 'EACCES' || code === 'EPERM')
    return new ReadError('denied', file, 'may not be read: check its permissions', options);
  if (code === 'EISDIR') return new ReadError('directory', file, 'is a folder', options);
  // Opening a socket fails; with O_NOFOLLOW, opening a link fails too.
  if (code === 'ENXIO' || code === 'ELOOP') return new ReadError('special', file, 'is not a regular file', options);
  return new ReadError('failed', file, `cannot be read (${code ?? String(error)})`, options);
}
