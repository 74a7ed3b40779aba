import type { Standstill } from '../../protocol';

export interface EncodingStatus {
  /** Segments of the workspace that are stored, counting repeated text each time. */
  encoded: number;
  /** All segments of the workspace. */
  segments: number;
  /**
   * True while documents wait to be cut: `segments` then includes estimates from the catalogue. Afterwards it is exact.
   */
  counting: boolean;
  paused: boolean;
  /** The reason why nothing is being encoded although segments are missing. */
  standstill?: Standstill;
}

export const PAUSED: Standstill = { cause: 'paused', reason: 'Paused by you.' };
export const OTHER_WINDOW: Standstill = {
  cause: 'otherWindow',
  reason: 'Another window on this workspace encodes them.',
};
export const BUDGET_FULL: Standstill = {
  cause: 'budgetFull',
  reason: 'The store has reached its budget, so some files are not encoded.',
};

/** File-system errors that keep the store from being written. */
const DISK_ERROR = /^E(NOSPC|DQUOT|ROFS|ACCES|PERM|IO|NOENT|NOTDIR)$/;

/** The standstill after an error. */
export function standstillAfter(error: unknown): Standstill {
  const message = error instanceof Error ? error.message : String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && DISK_ERROR.test(code)
    ? unwritable(code)
    : { cause: 'modelFailed', reason: `The model failed (${message}). It is tried again.` };
}

/** @param code of the error that the file system gave */
export function unwritable(code: string): Standstill {
  const why = /^E(NOSPC|DQUOT)$/.test(code)
    ? 'the disk is full'
    : `the folder of the index cannot be written (${code})`;
  return { cause: 'storeUnwritable', reason: `Memories cannot be stored: ${why}. It is tried again.` };
}
