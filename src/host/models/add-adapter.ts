import { basename, dirname } from 'node:path';
import * as vscode from 'vscode';
import { addAdapter } from '../../hub';
import type { WorkerClient } from '../worker-client';
import { localModel } from './local-model';

/**
 * Adds a LoRA adapter to the chosen model: copies it beside the model after a check, and loads the model again with it.
 * An adapter that does not fit is refused with the reason.
 */
export async function addAdapterToModel(client: Pick<WorkerClient, 'restart'>): Promise<void> {
  const model = await localModel(vscode.l10n.t('An adapter is added to a model on this machine. Choose one first.'));
  if (model === undefined) return;
  const name = basename(model);
  const [picked] =
    (await vscode.window.showOpenDialog({
      canSelectFolders: true,
      canSelectFiles: true,
      filters: { [vscode.l10n.t('Adapters')]: ['safetensors', 'json'] },
      title: vscode.l10n.t('Add an Adapter to {0}', name),
      openLabel: vscode.l10n.t('Add'),
    })) ?? [];
  if (!picked) return;
  const { type } = await vscode.workspace.fs.stat(picked);
  // A file of an adapter stands for its folder.
  const folder = type & vscode.FileType.Directory ? picked.fsPath : dirname(picked.fsPath);
  const title = vscode.l10n.t('Adding {0} to {1}', basename(folder), name);
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, async () => {
    await addAdapter(model, folder);
    await client.restart();
  });
  void vscode.window.showInformationMessage(vscode.l10n.t('{0} now runs with {1}.', name, basename(folder)));
}
