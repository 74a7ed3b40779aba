import * as vscode from 'vscode';
import type { Coverage } from '../../protocol';

/**
 * What an answer draws on, for the chat: "Drawn from 342 files, of whose text the model remembers 82%." That files are
 * left to read is said by its notices.
 */
export function coverageLine({ filesIndexed, memories }: Coverage): string {
  const files =
    filesIndexed === 1 ? vscode.l10n.t('1 file') : vscode.l10n.t('{0} files', filesIndexed.toLocaleString());
  if (memories === undefined) return vscode.l10n.t('Drawn from {0}.', files);
  // A little is not nothing, and nearly all is not all.
  const share = memories > 0 && memories < 0.01 ? vscode.l10n.t('less than 1%') : `${Math.floor(100 * memories)}%`;
  return vscode.l10n.t('Drawn from {0}, of whose text the model remembers {1}.', files, share);
}
