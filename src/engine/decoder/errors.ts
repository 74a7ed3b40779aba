/** What the decoder refuses to do; a client may choose its advice by it. */
export type DecoderErrorCode =
  | 'contextFull' // the tokens do not fit the rows that the context may hold
  | 'cancelled' // the caller's signal was aborted; the context holds every chunk that was finished
  | 'badInput' // a token, position or shape that the model cannot take
  | 'closed' // used after close()
  | 'cacheUnwritable' // the compiled weights could not be written (full disk, no permission)
  | 'runtime'; // ONNX Runtime failed

export class DecoderError extends Error {
  readonly code: DecoderErrorCode;

  constructor(code: DecoderErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'DecoderError';
    this.code = code;
  }
}

/** The tokens do not fit: nothing was read, the context is as it was. */
export class ContextFullError extends DecoderError {
  /** Rows that the tokens would need, and rows that are free. */
  readonly needed: number;
  readonly free: number;

  constructor(needed: number, free: number) {
    super(
      'contextFull',
      `${needed} rows are needed and ${free} are free; shorten the prompt, or open a context with a larger capacity`,
    );
    this.name = 'ContextFullError';
    this.needed = needed;
    this.free = free;
  }
}
