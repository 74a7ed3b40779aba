import { formatBytes, formatNumber } from '../../base';
import * as vscode from 'vscode';
import type { AnswerHistory } from '../answers/history';
import { workspacePath } from '../configuration';
import { setContext, type Services } from '../services';
import { fileUri } from './read';

/** Rebuilds the index. This ends a pause or a cancel. */
export async function rebuildIndex({ client, hold }: Services): Promise<void> {
  await hold.set(undefined);
  await client.request('index/rebuild', null);
}

/** Clears the index after the user confirms it. */
export async function clearIndex({ client, hold }: Services, history: AnswerHistory): Promise<void> {
  const clear = vscode.l10n.t('Clear');
  const choice = await vscode.window.showWarningMessage(
    vscode.l10n.t('Clear the index of this workspace?'),
    {
      modal: true,
      detail: vscode.l10n.t(
        'This deletes the index, encoded memories and saved answers of this workspace from this machine. Your files are not changed. The index is rebuilt when you ask the next question.',
      ),
    },
    clear,
  );
  if (choice !== clear) return;
  // A cancel ends when the index is cleared. A pause stays.
  if (hold.held === 'cancelled') await hold.set(undefined);
  const { bytesFreed } = await client.request('index/clear', null);
  await history.clear();
  void vscode.window.showInformationMessage(vscode.l10n.t('Index cleared ({0} freed).', formatBytes(bytesFreed)));
}

/** Pauses or resumes indexing and encoding. A worker that starts later gets the same state. */
export async function pauseIndexing({ client, hold }: Services, paused: boolean): Promise<void> {
  await hold.set(paused ? 'paused' : undefined);
  setContext('indexHeld', hold.held);
  if (client.awake || !paused) await client.request('index/pause', { paused });
}

/** Cancels the running pass. Indexed files stay searchable; the rest waits until the user resumes. */
export async function cancelIndexing({ client, hold }: Services): Promise<void> {
  const status = client.awake ? await client.request('index/cancel', null) : undefined;
  if (status?.held !== 'cancelled') {
    void vscode.window.showInformationMessage(vscode.l10n.t('Nothing is being indexed.'));
    return;
  }
  await hold.set('cancelled');
  const resume = vscode.l10n.t('Resume');
  const kept = vscode.l10n.t(
    'Indexing was cancelled. {0} of {1} files are indexed.',
    formatNumber(status.filesIndexed),
    formatNumber(status.filesKnown),
  );
  void vscode.window.showInformationMessage(kept, resume).then((choice) => {
    if (choice === resume) void vscode.commands.executeCommand('anchorage.resumeIndexing');
  });
}

/** Shows why a file is or is not indexed, with a button that opens the deciding rule. */
export async function whyFile({ client, opener }: Services, given?: vscode.Uri): Promise<void> {
  const uri = fileUri(given);
  const why = await client.request('index/why', { file: uri.fsPath });
  const text = why.indexed
    ? vscode.l10n.t('{0} is indexed: {1}', why.path, why.reason)
    : vscode.l10n.t('{0} is not indexed: {1}', why.path, why.reason);
  const { rule } = why;
  if (!rule) {
    void vscode.window.showInformationMessage(text);
    return;
  }
  const open = vscode.l10n.t('Open Rule');
  if ((await vscode.window.showInformationMessage(text, open)) === open) {
    await opener.open({
      file: rule.file,
      path: workspacePath(vscode.Uri.file(rule.file)),
      startLine: rule.line,
      endLine: rule.line,
    });
  }
}
