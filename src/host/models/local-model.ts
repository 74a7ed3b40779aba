import * as vscode from 'vscode';
import { setting } from '../configuration';

/**
 * Path of the chosen model, if it is on this machine. Otherwise tells the user why one is needed, offers the list of
 * models, and returns undefined.
 */
export async function localModel(needed: string): Promise<string | undefined> {
  const model = setting('model.directory');
  if (model !== '' && !/^https?:\/\//i.test(model)) return model;
  const choose = vscode.l10n.t('Choose Model…');
  if ((await vscode.window.showInformationMessage(needed, choose)) === choose)
    await vscode.commands.executeCommand('anchorage.chooseModel');
  return undefined;
}
