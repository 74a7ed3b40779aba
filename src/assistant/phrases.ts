/** Short phrases that several answers share, in the display language. */
import * as l10n from '@vscode/l10n';
import { formatNumber } from '../base';

export interface LineRange {
  startLine: number;
  endLine: number;
}

/** "lines 3–9", "line 3". */
export function linesText({ startLine, endLine }: LineRange): string {
  return endLine > startLine ? l10n.t('lines {0}–{1}', startLine, endLine) : l10n.t('line {0}', startLine);
}

/** "Lines 3–9", "Line 3". */
export function linesTitle(startLine: number, endLine: number): string {
  return endLine > startLine ? l10n.t('Lines {0}–{1}', startLine, endLine) : l10n.t('Line {0}', startLine);
}

export const lineCount = (count: number): string =>
  count === 1 ? l10n.t('1 line') : l10n.t('{0} lines', formatNumber(count));
export const fileCount = (count: number): string =>
  count === 1 ? l10n.t('1 file') : l10n.t('{0} files', formatNumber(count));

/** The last entry of a list that is cut. */
export const more = (count: number): string => l10n.t('{0} more', formatNumber(count));
/** The last line of a list that is cut. */
export const andMore = (count: number): string => l10n.t('and {0} more', formatNumber(count));
