import * as vscode from 'vscode';
import type { InitializeParams } from '../../protocol';
import { serverCommand } from './server-command';
import { withServer } from './server-file';

const NAME = '.mcp.json';

/**
 * Writes the server into the `.mcp.json` of a workspace folder. The whole new file is shown first, and nothing is
 * written without the user's word.
 */
export async function writeServerFile(serverFile: string, params: () => Promise<InitializeParams>): Promise<void> {
  const folder = await workspaceFolder();
  if (!folder) return;
  const entry = await chooseEntry(serverFile, params);
  if (!entry) return;
  const file = vscode.Uri.joinPath(folder.uri, NAME);
  const before = await vscode.workspace.fs.readFile(file).then(
    (bytes) => new TextDecoder().decode(bytes),
    () => undefined,
  );
  const text = withServer(before, 'anchorage', entry);
  const preview = await vscode.workspace.openTextDocument({ language: 'json', content: text });
  await vscode.window.showTextDocument(preview, { preview: true });
  const write = vscode.l10n.t('Write');
  const choice = await vscode.window.showInformationMessage(
    before === undefined
      ? vscode.l10n.t('Create {0} in {1} with this text?', NAME, folder.name)
      : vscode.l10n.t('Replace {0} in {1} with this text?', NAME, folder.name),
    { modal: true, detail: vscode.l10n.t('Agents that open this folder may then start the server.') },
    write,
  );
  if (choice !== write) return;
  await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(text));
  await vscode.window.showTextDocument(file);
}

async function workspaceFolder(): Promise<vscode.WorkspaceFolder | undefined> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  if (folders.length === 0) throw new Error(vscode.l10n.t('Open a folder first.'));
  return folders.length === 1 ? folders[0] : vscode.window.showWorkspaceFolderPick();
}

/** A shared file names the package; a private one names this machine's copy, which needs no download. */
async function chooseEntry(serverFile: string, params: () => Promise<InitializeParams>) {
  const npx = vscode.l10n.t('For everyone: npx anchorage mcp');
  const own = vscode.l10n.t('For this machine: the copy in this extension');
  const chosen = await vscode.window.showQuickPick(
    [
      { label: own, detail: vscode.l10n.t('Downloads nothing and shares the index of this window.') },
      { label: npx, detail: vscode.l10n.t('Can be committed. npm downloads the package when an agent starts it.') },
    ],
    { title: vscode.l10n.t('Which command should agents run?') },
  );
  if (!chosen) return undefined;
  return chosen.label === npx
    ? { command: 'npx', args: ['-y', 'anchorage', 'mcp'] }
    : serverCommand(serverFile, await params());
}
