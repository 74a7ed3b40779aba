import type { Standstill } from '../../protocol';

export interface EncodingStatus {
  /** Segments with stored rows; repeated text counts each time. */
  encoded: number;
  /** All segments of the workspace. */
  segments: number;
  /**
   * True while documents wait to be cut: `segments` then includes estimates from the catalogue. Afterwards it is exact.
   */
  counting: boolean;
  paused: boolean;
  /** Why nothing is being encoded although segments are missing. */
  standstill?: Standstill;
}

export const PAUSED: Standstill = { cause: 'paused', reason: 'Paused by you.' };
export const OTHER_WINDOW: Standstill = {
  cause: 'otherWindow',
  reason: 'Another window on this workspace encodes the segments.',
};
export const BUDGET_FULL: Standstill = {
  cause: 'budgetFull',
  reason: 'The store has reached its budget, so some files are not encoded.',
};

/** File-system error codes that prevent the store from being written. */
const DISK_ERROR = /^E(NOSPC|DQUOT|ROFS|ACCES|PERM|IO|NOENT|NOTDIR)$/;

/** Describes an error as the reason why encoding stopped. */
export function standstillAfter(error: unknown): Standstill {
  const message = error instanceof Error ? error.message : String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && DISK_ERROR.test(code)
    ? unwritable(code)
    : { cause: 'modelFailed', reason: `The model failed (${message}). Anchorage will try again.` };
}

/** @param code error code of the file system */
export function unwritable(code: string): Standstill {
  const why = /^E(NOSPC|DQUOT)$/.test(code) ? 'the disk is full' : `the index folder cannot be written (${code})`;
  return { cause: 'storeUnwritable', reason: `Memories cannot be stored: ${why}. Anchorage will try again.` };
}
