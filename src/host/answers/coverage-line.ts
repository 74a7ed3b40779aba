import * as vscode from 'vscode';
import type { Coverage } from '../../protocol';

/** Says in the chat how much of the workspace an answer draws on: "342 files searched · 82% encoded". */
export function coverageLine({ filesIndexed, memories }: Coverage): string {
  const files =
    filesIndexed === 1 ? vscode.l10n.t('1 file') : vscode.l10n.t('{0} files', filesIndexed.toLocaleString());
  if (memories === undefined) return vscode.l10n.t('{0} searched', files);
  // A little is not nothing, and nearly all is not all.
  const share = memories > 0 && memories < 0.01 ? vscode.l10n.t('less than 1%') : `${Math.floor(100 * memories)}%`;
  return vscode.l10n.t('{0} searched · {1} encoded', files, share);
}
