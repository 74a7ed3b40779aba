import * as vscode from 'vscode';
import type { AnswerHistory } from '../answers/history';
import { workspacePath } from '../configuration';
import type { Services } from '../services';
import { formatBytes } from '../status/format';
import { fileUri } from './read';

export async function rebuildIndex({ client }: Services): Promise<void> {
  await client.request('index/rebuild', null);
}

/** Clearing deletes, so it asks; what can be made again is said. */
export async function clearIndex({ client }: Services, history: AnswerHistory): Promise<void> {
  const clear = vscode.l10n.t('Clear');
  const choice = await vscode.window.showWarningMessage(
    vscode.l10n.t('Clear the index of this workspace?'),
    { modal: true, detail: vscode.l10n.t('Index, memories and answers kept for this workspace are deleted from this machine. Your files stay as they are; the index is made again when you ask.') },
    clear,
  );
  if (choice !== clear) return;
  const { bytesFreed } = await client.request('index/clear', null);
  await history.clear();
  void vscode.window.showInformationMessage(vscode.l10n.t('The index was cleared: {0} freed.', formatBytes(bytesFreed)));
}

export async function pauseIndexing({ client }: Services, paused: boolean): Promise<void> {
  await client.request('index/pause', { paused });
}

/** Says which rule decided about a file, and opens that rule. */
export async function whyFile({ client, opener }: Services, given?: vscode.Uri): Promise<void> {
  const uri = fileUri(given);
  const why = await client.request('index/why', { file: uri.fsPath });
  const text = why.indexed ? vscode.l10n.t('{0} is indexed: {1}', why.path, why.reason) : vscode.l10n.t('{0} is not indexed: {1}', why.path, why.reason);
  const { rule } = why;
  if (!rule) {
    void vscode.window.showInformationMessage(text);
    return;
  }
  const open = vscode.l10n.t('Open Rule');
  if ((await vscode.window.showInformationMessage(text, open)) === open) {
    await opener.open({ file: rule.file, path: workspacePath(vscode.Uri.file(rule.file)), startLine: rule.line, endLine: rule.line });
  }
}
