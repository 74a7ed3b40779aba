/** What went wrong while getting a model; a client may choose its advice by it. */
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

export class HubError extends Error {
  readonly code: HubErrorCode;

  constructor(code: HubErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'HubError';
    this.code = code;
  }
}

/** File system errors as HubErrors. */
export function asHubError(error: unknown, path: string): HubError {
  if (error instanceof HubError) return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  const reason = error instanceof Error ? error.message : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new HubError('diskFull', `${path}: the disk is full; what was downloaded is kept and will be resumed`, {
      cause: error,
    });
  return new HubError('unwritable', `${path}: ${reason}`, { cause: error });
}
