import type { ErrorCode } from '../protocol';

/**
 * A failure that the user can act on: `message` says what happened, and `hint` what to do.
 * Codes are those of the protocol. A subclass may have its own codes for callers that distinguish them.
 */
export class AppError<Code extends string = ErrorCode> extends Error {
  override readonly name: string = 'AppError';

  constructor(
    readonly code: Code,
    message: string,
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The `code` of a system error (ENOENT …) or an AppError, or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** @throws AppError('cancelled') once the signal is aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AppError('cancelled', 'Cancelled.');
}
