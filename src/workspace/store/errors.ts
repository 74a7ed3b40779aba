import { AppError, errorCode } from '../../base';

/** An operation on the store of the index failed. Nothing indexed is lost: the index stays in memory. */
export class StoreError extends AppError<'diskFull' | 'storeUnwritable' | 'storeLocked'> {
  override readonly name = 'StoreError';

  constructor(
    code: 'diskFull' | 'storeUnwritable' | 'storeLocked',
    readonly file: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, `${file}: ${message}`, undefined, options);
  }
}

export function toStoreError(error: unknown, file: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new StoreError(
      'diskFull',
      file,
      'the disk is full; the index stays in memory and is written once there is space',
      { cause: error },
    );
  return new StoreError(
    'storeUnwritable',
    file,
    `cannot be written (${code ?? String(error)}); the index stays in memory`,
    { cause: error },
  );
}
