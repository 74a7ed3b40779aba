import * as l10n from '@vscode/l10n';
import type { Standstill } from '../../protocol';

export interface EncodingStatus {
  /** Segments with stored rows; repeated text counts each time. */
  encoded: number;
  /** Segments of these whose rows another machine of the team has made. */
  fromTeam: number;
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

export const paused = (): Standstill => ({ cause: 'paused', reason: l10n.t('Paused by you.') });
export const otherWindow = (): Standstill => ({
  cause: 'otherWindow',
  reason: l10n.t('Another window on this workspace encodes the segments.'),
});
export const budgetFull = (): Standstill => ({
  cause: 'budgetFull',
  reason: l10n.t('The store has reached its budget, so some files are not encoded.'),
});

export const inTeam = (): Standstill => ({
  cause: 'budgetFull',
  reason: l10n.t('The store has reached its budget. Questions read the other segments from the team’s memory.'),
});

/** File-system error codes that prevent the store from being written. */
const DISK_ERROR = /^E(NOSPC|DQUOT|ROFS|ACCES|PERM|IO|NOENT|NOTDIR)$/;

/** Describes an error as the reason why encoding stopped. */
export function standstillAfter(error: unknown): Standstill {
  const message = error instanceof Error ? error.message : String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && DISK_ERROR.test(code)
    ? unwritable(code)
    : { cause: 'modelFailed', reason: l10n.t('The model failed ({0}). Anchorage will try again.', message) };
}

/** @param code error code of the file system */
export function unwritable(code: string): Standstill {
  const reason = /^E(NOSPC|DQUOT)$/.test(code)
    ? l10n.t('Memories cannot be stored: the disk is full. Anchorage will try again.')
    : l10n.t('Memories cannot be stored: the index folder cannot be written ({0}). Anchorage will try again.', code);
  return { cause: 'storeUnwritable', reason };
}
