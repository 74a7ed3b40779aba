import { formatNumber } from '../../base';
import * as vscode from 'vscode';
import type { Coverage } from '../../protocol';

/** The coverage of an answer, for the chat: "342 files searched · 82% encoded". */
export function coverageLine({ filesIndexed, memories }: Coverage): string {
  const files = filesIndexed === 1 ? vscode.l10n.t('1 file') : vscode.l10n.t('{0} files', formatNumber(filesIndexed));
  if (memories === undefined) return vscode.l10n.t('{0} searched', files);
  // A small share is not shown as 0%, and an incomplete one never as 100%.
  const share = memories > 0 && memories < 0.01 ? vscode.l10n.t('less than 1%') : `${Math.floor(100 * memories)}%`;
  return vscode.l10n.t('{0} searched · {1} encoded', files, share);
}
