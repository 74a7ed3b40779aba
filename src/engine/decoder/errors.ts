import { AppError } from '../../base';

/** Kinds of refusals of the decoder. A client may choose its advice by them. */
export type DecoderErrorCode =
  | 'contextFull' // the tokens do not fit the rows that the context may hold
  | 'cancelled' // the caller's signal was aborted; the context holds every chunk that was finished
  | 'badInput' // a token, position or shape that the model cannot take
  | 'closed' // used after close()
  | 'cacheUnwritable' // the compiled weights could not be written (full disk, no permission)
  | 'runtime'; // ONNX Runtime failed

/** A request that the decoder refuses, or a failure of ONNX Runtime. */
export class DecoderError extends AppError<DecoderErrorCode> {
  override readonly name: string = 'DecoderError';

  constructor(code: DecoderErrorCode, message: string, options?: { cause?: unknown }) {
    super(code, message, undefined, options);
  }
}

/** The tokens do not fit. Nothing was read; the context is unchanged. */
export class ContextFullError extends DecoderError {
  override readonly name = 'ContextFullError';
  /** Rows that the tokens would need, and rows that are free. */
  readonly needed: number;
  readonly free: number;

  constructor(needed: number, free: number) {
    super(
      'contextFull',
      `${needed} rows are needed and ${free} are free; shorten the prompt, or open a context with a larger capacity`,
    );
    this.needed = needed;
    this.free = free;
  }
}
