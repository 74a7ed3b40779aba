import { AppError, messageOf } from '../base';
import { ResponseError } from 'vscode-jsonrpc/node';
import type { ErrorCode, ErrorData } from '../protocol';

/** A failed request to the worker. `hint` says what the user can do. */
export class RequestFailed extends AppError<ErrorCode | 'workerDied'> {
  override readonly name = 'RequestFailed';
}

/** JSON-RPC's code for a cancelled request (Language Server Protocol, ErrorCodes). */
const REQUEST_CANCELLED = -32800;

export function toRequestFailed(error: unknown, cancelled: boolean): RequestFailed {
  if (error instanceof RequestFailed) return error;
  if (error instanceof ResponseError) {
    const data = error.data as Partial<ErrorData> | undefined;
    const code = data?.code ?? (error.code === REQUEST_CANCELLED || cancelled ? 'cancelled' : 'internal');
    return new RequestFailed(code, error.message, data?.hint);
  }
  const message = messageOf(error);
  return cancelled ? new RequestFailed('cancelled', message) : new RequestFailed('internal', message);
}
