import { AppError, errorCode, messageOf } from '../base';

/** Kinds of failures of the model hub. A client may choose its advice by the kind. */
export type HubErrorCode =
  | 'network' // all attempts failed
  | 'notFound' // no such model, revision or file
  | 'gated' // the publisher requires a token or acceptance of the licence
  | 'rateLimited' // the server asks for a wait beyond the limit
  | 'corrupt' // the bytes do not have the published digest
  | 'diskFull'
  | 'unwritable'
  | 'cancelled'
  | 'malformed' // an invalid name, address or response
  | 'unsupported' // the model has no weights in a supported format
  | 'busy' // another process is downloading or removing the same model
  | 'exists';

/** A model that could not be listed, downloaded or removed. */
export class HubError extends AppError<HubErrorCode> {
  override readonly name = 'HubError';

  constructor(code: HubErrorCode, message: string, options?: { cause?: unknown; hint?: string }) {
    super(code, message, options?.hint, options);
  }
}

/** Converts a file system error to a HubError. */
export function asHubError(error: unknown, path: string): HubError {
  if (error instanceof HubError) return error;
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new HubError('diskFull', `${path}: the disk is full. The partial download is kept and will resume.`, {
      cause: error,
    });
  return new HubError('unwritable', `${path}: ${messageOf(error)}`, { cause: error });
}
