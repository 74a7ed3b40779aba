import { AppError, errorCode, messageOf } from '../base';

/** Kinds of failures while getting a model. A client may choose its advice by them. */
export type HubErrorCode =
  | 'network' // the connection failed again and again
  | 'notFound' // no such model, revision or file
  | 'gated' // the publisher wants a licence accepted or a token
  | 'rateLimited' // asked to wait longer than is reasonable
  | 'corrupt' // the bytes do not have the published digest
  | 'diskFull'
  | 'unwritable'
  | 'cancelled'
  | 'malformed' // the hub answered something that is not an answer
  | 'unsupported' // the model has no weights in a form that is read
  | 'busy' // another process is downloading or removing the same model
  | 'exists';

/** A model that could not be listed, downloaded or removed. */
export class HubError extends AppError<HubErrorCode> {
  override readonly name = 'HubError';

  constructor(code: HubErrorCode, message: string, options?: { cause?: unknown; hint?: string }) {
    super(code, message, options?.hint, options);
  }
}

/** File system errors as HubErrors. */
export function asHubError(error: unknown, path: string): HubError {
  if (error instanceof HubError) return error;
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new HubError('diskFull', `${path}: the disk is full; what was downloaded is kept and will be resumed`, {
      cause: error,
    });
  return new HubError('unwritable', `${path}: ${messageOf(error)}`, { cause: error });
}
