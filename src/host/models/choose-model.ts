import { formatBytes } from '../../base';
import * as vscode from 'vscode';
import { removeModel, type InstalledModel } from '../../hub';
import type { ModelHome } from './model-home';

interface Choice extends vscode.QuickPickItem {
  model?: InstalledModel;
  action?: 'none' | 'download' | 'import' | 'other';
}

function installedItem(home: ModelHome, model: InstalledModel): Choice {
  const facts = [
    formatBytes(model.bytes),
    model.source?.licence,
    model.source ? vscode.l10n.t('from {0}', model.source.from) : undefined,
  ].filter((fact) => fact !== undefined);
  return {
    label: model.name,
    ...(home.isChosen(model) ? { description: vscode.l10n.t('in use') } : {}),
    detail: facts.join(' · '),
    model,
  };
}

/** Lists the installed models. The picked model writes the answers. */
export async function chooseModel(home: ModelHome): Promise<void> {
  const installed = await home.installed();
  const picked = await vscode.window.showQuickPick<Choice>(
    [
      ...installed.map((model) => installedItem(home, model)),
      {
        label: vscode.l10n.t('No Model'),
        detail: vscode.l10n.t('Answers quote your files'),
        action: 'none',
      },
      { label: '', kind: vscode.QuickPickItemKind.Separator },
      { label: vscode.l10n.t('Download a Model…'), action: 'download' },
      { label: vscode.l10n.t('Import a Model from a Folder…'), action: 'import' },
    ],
    { title: vscode.l10n.t('Model for Answers'), matchOnDetail: true },
  );
  if (!picked) return;
  if (picked.action === 'download' || picked.action === 'import')
    await vscode.commands.executeCommand(`anchorage.${picked.action}Model`);
  else await home.choose(picked.model);
}

/** Deletes an installed model from this machine after the user confirms. */
export async function removeInstalled(home: ModelHome): Promise<void> {
  const installed = await home.installed();
  if (installed.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('No models are installed.'));
    return;
  }
  const picked = await vscode.window.showQuickPick(
    installed.map((model) => installedItem(home, model)),
    { title: vscode.l10n.t('Remove a Model') },
  );
  const model = picked?.model;
  if (!model) return;
  const remove = vscode.l10n.t('Remove');
  const detail = vscode.l10n.t('Frees {0}. The model can be downloaded or imported again.', formatBytes(model.bytes));
  if (
    (await vscode.window.showWarningMessage(
      vscode.l10n.t('Remove {0} from this machine?', model.name),
      { modal: true, detail },
      remove,
    )) !== remove
  )
    return;
  if (home.isChosen(model)) await home.choose(undefined);
  const freed = await removeModel(await home.directory(), model.name);
  void vscode.window.showInformationMessage(vscode.l10n.t('{0} removed ({1} freed).', model.name, formatBytes(freed)));
}
