import type { ErrorCode } from '../protocol';

/** A failure the reader can act on; `message` says what went wrong and `hint` what to do. */
export class AssistantError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'AssistantError';
  }
}

/** @throws AssistantError('cancelled') once the signal is aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AssistantError('cancelled', 'Cancelled.');
}
