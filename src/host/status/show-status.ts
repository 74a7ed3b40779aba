import { formatNumber } from '../../base';
import * as vscode from 'vscode';
import type { Held, IndexStatus } from '../../protocol';
import type { Services } from '../services';
import { faceOf, isWorking } from './index-state';
import { indexFacts, stateText } from './status-item';

interface StatusEntry extends vscode.QuickPickItem {
  command?: string;
  argument?: string;
  file?: string;
}

/** Lists the state of the index: facts, files that could not be read, files that are not indexed, and actions. */
export async function showStatus(services: Services): Promise<void> {
  const { client } = services;
  const status = client.running ? await client.request('index/status', null) : services.indexStatus();
  const face = faceOf(client.state, status);
  const entries: StatusEntry[] = [
    separator(vscode.l10n.t('State')),
    { label: `$(${face.icon}) ${sentence(stateText(face))}`, detail: detailOf(services, status) },
  ];
  if (status) {
    entries.push(
      ...indexFacts(status).map(({ icon, label, detail }) => ({ label: `$(${icon}) ${label}`, description: detail })),
    );
    if (status.problems.length > 0) {
      entries.push(
        separator(vscode.l10n.t('Could not be read')),
        ...status.problems.map(({ path, reason }) => ({
          label: `$(warning) ${path}`,
          description: reason,
          file: path,
        })),
        ...(status.moreProblems
          ? [{ label: `$(warning) ${vscode.l10n.t('{0} more', formatNumber(status.moreProblems))}` }]
          : []),
      );
    }
    if (status.skipped.length > 0) {
      entries.push(
        separator(vscode.l10n.t('Not indexed')),
        ...status.skipped.map(({ reason, files }) => ({
          label: `$(exclude) ${reason}`,
          description: files === 1 ? vscode.l10n.t('1 file') : vscode.l10n.t('{0} files', formatNumber(files)),
        })),
      );
    }
  }
  entries.push(separator(vscode.l10n.t('Actions')), ...actionEntries(status, services.hold.held));
  const picked = await vscode.window.showQuickPick(entries, {
    title: vscode.l10n.t('Anchorage: Index Status'),
    matchOnDescription: true,
    placeHolder: vscode.l10n.t('Filter or pick an action'),
  });
  if (picked?.command)
    await vscode.commands.executeCommand(picked.command, ...(picked.argument === undefined ? [] : [picked.argument]));
  else if (picked?.file) await vscode.commands.executeCommand('workbench.action.quickOpen', picked.file);
}

function detailOf({ client, hold }: Services, status: IndexStatus | undefined): string {
  if (client.state.kind === 'waiting' || client.state.kind === 'failed') return client.state.reason;
  if (client.running && status) return status.reason;
  if (hold.held === 'paused') return vscode.l10n.t('You paused indexing. It stays paused until you resume it.');
  return status?.reason ?? vscode.l10n.t('The index is built when you ask your first question.');
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function separator(label: string): StatusEntry {
  return { label, kind: vscode.QuickPickItemKind.Separator };
}

function actionEntries(status: IndexStatus | undefined, held: Held | undefined): StatusEntry[] {
  const pause = { label: `$(debug-pause) ${vscode.l10n.t('Pause Indexing')}`, command: 'anchorage.pauseIndexing' };
  const resume = { label: `$(play) ${vscode.l10n.t('Resume Indexing')}`, command: 'anchorage.resumeIndexing' };
  const cancel = { label: `$(circle-slash) ${vscode.l10n.t('Cancel Indexing')}`, command: 'anchorage.cancelIndexing' };
  const working = isWorking(status) || status?.state === 'paused';
  return [
    { label: `$(comment-discussion) ${vscode.l10n.t('Ask About Workspace…')}`, command: 'anchorage.ask' },
    held ? resume : pause,
    ...(working ? [cancel] : []),
    ...(status?.memories?.standstill?.cause === 'budgetFull'
      ? [
          {
            label: `$(gear) ${vscode.l10n.t('Change the Disk Budget…')}`,
            command: 'workbench.action.openSettings',
            argument: 'anchorage.memory.diskBudgetMB',
          },
        ]
      : []),
    { label: `$(refresh) ${vscode.l10n.t('Rebuild Index')}`, command: 'anchorage.rebuildIndex' },
    { label: `$(trash) ${vscode.l10n.t('Clear Index…')}`, command: 'anchorage.clearIndex' },
    { label: `$(debug-restart) ${vscode.l10n.t('Restart Worker')}`, command: 'anchorage.restartWorker' },
    { label: `$(output) ${vscode.l10n.t('Show Log')}`, command: 'anchorage.showLog' },
  ];
}
