/** Keys of a team's memory in the editor's secret storage, which alone stores them. */
import * as vscode from 'vscode';
import type { TeamKeys } from '../../protocol';

const PREFIX = 'teamKeys:';

/** Each store has its own keys, so that another address never gets them. */
const secretKey = (address: string): string => PREFIX + (address.split('?')[0] as string);

export const isTeamKeys = (key: string): boolean => key.startsWith(PREFIX);

export async function readTeamKeys(secrets: vscode.SecretStorage, address: string): Promise<TeamKeys | undefined> {
  const text = await secrets.get(secretKey(address));
  return text === undefined ? undefined : (JSON.parse(text) as TeamKeys);
}

/** Asks for the keys of the team's memory at an address, and stores or removes them. */
export async function setTeamKeys(secrets: vscode.SecretStorage, address: string): Promise<void> {
  if (address === '') {
    const open = vscode.l10n.t('Open the Setting');
    const message = vscode.l10n.t('First name the team’s memory in `anchorage.memory.shared`.');
    if ((await vscode.window.showInformationMessage(message, open)) === open)
      await vscode.commands.executeCommand('workbench.action.openSettings', 'anchorage.memory.shared');
    return;
  }
  const known = await readTeamKeys(secrets, address);
  const secret = await askFor(
    vscode.l10n.t('Secret of the Team’s Memory'),
    known
      ? vscode.l10n.t('Keys are stored. Leave this empty to remove them.')
      : vscode.l10n.t('As `anchorage memory keys` printed it. It is kept in the secret storage of VS Code.'),
  );
  if (secret === undefined) return;
  if (secret === '') {
    await secrets.delete(secretKey(address));
    void vscode.window.showInformationMessage(vscode.l10n.t('The keys of the team’s memory are removed.'));
    return;
  }
  const access = address.startsWith('s3:') ? await askForAccess() : {};
  const signingKey =
    access &&
    (await askFor(
      vscode.l10n.t('Signing Key'),
      vscode.l10n.t('Only for those who may write to the team’s memory. Leave it empty to read only.'),
    ));
  if (!access || signingKey === undefined) return;
  const keys: TeamKeys = { secret, ...access, ...(signingKey === '' ? {} : { signingKey }) };
  await secrets.store(secretKey(address), JSON.stringify(keys));
  void vscode.window.showInformationMessage(vscode.l10n.t('The keys of the team’s memory are stored.'));
}

/** Undefined when the user gave up. */
async function askForAccess(): Promise<Pick<TeamKeys, 's3'> | undefined> {
  const accessKeyId = await askFor(
    vscode.l10n.t('Access Key ID'),
    vscode.l10n.t('Leave it empty to use the environment or ~/.aws.'),
  );
  if (accessKeyId === undefined || accessKeyId === '') return accessKeyId === '' ? {} : undefined;
  const secretAccessKey = await askFor(vscode.l10n.t('Secret Access Key'), '');
  return secretAccessKey ? { s3: { accessKeyId, secretAccessKey } } : undefined;
}

async function askFor(title: string, prompt: string): Promise<string | undefined> {
  const text = await vscode.window.showInputBox({ title, prompt, password: true, ignoreFocusOut: true });
  return text?.trim();
}
