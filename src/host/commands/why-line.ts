import * as vscode from 'vscode';
import type { Commit } from '../../protocol';
import { showCommit } from '../editor/commit-text';
import type { Services } from '../services';
import { fileUri, spanOf } from './read';

/** Lists the commits that made the selected lines what they are. A picked one is shown with its changes. */
export async function whyLine({ client }: Services): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const uri = fileUri(undefined);
  if (!editor) return;
  if (!vscode.workspace.isTrusted) throw new Error(vscode.l10n.t('History is read in trusted workspaces only.'));
  const { start, end } = editor.selection;
  const last = end.character === 0 && end.line > start.line ? end.line : end.line + 1;
  const span = spanOf(uri, start.line + 1, last);
  const history = await client.request('history/lines', span);
  const lines = span.startLine === last ? `${last}` : `${span.startLine}–${last}`;
  if (history.uncommitted) {
    void vscode.window.showInformationMessage(vscode.l10n.t('Lines {0} are newer than the last commit.', lines));
    return;
  }
  const picked = await vscode.window.showQuickPick(history.commits.map(itemOf), {
    title: vscode.l10n.t('Why {0}:{1} is so', span.path, lines),
    placeHolder: vscode.l10n.t('Commits that changed these lines, newest first'),
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (picked) await showCommit(uri.fsPath, picked.hash);
}

function itemOf({ hash, author, date, subject, body }: Commit) {
  const [reason] = body.split(/\n\s*\n/);
  return {
    hash,
    label: `$(git-commit) ${subject}`,
    description: `${hash.slice(0, 8)} · ${author} · ${new Date(date).toLocaleDateString(vscode.env.language)}`,
    ...(reason ? { detail: reason.replace(/\s+/g, ' ') } : {}),
  };
}
