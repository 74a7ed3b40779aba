import { totalmem } from 'node:os';
import * as vscode from 'vscode';
import { formatBytes } from '../../base';
import {
  downloadBytes,
  findServers,
  purposeOf,
  recommendedFor,
  removeModel,
  wordsPerSecond,
  type FoundModel,
  type InstalledModel,
  type LocalServer,
  type MachineSpeed,
} from '../../hub';
import { downloadRecommended } from './add-model';
import type { ModelHome } from './model-home';

interface Choice extends vscode.QuickPickItem {
  /** The folder or file of a model, or a server with its model. */
  path?: string;
  /** A model that the decoder does not run, with the reason. */
  refused?: string;
  action?: 'none' | 'recommended' | 'download' | 'import' | 'folders' | 'chat';
}

const separator = (label: string): Choice => ({ label, kind: vscode.QuickPickItemKind.Separator });

/** "about 12 words a second" */
function speedText(words: number | undefined): string | undefined {
  if (words === undefined) return undefined;
  const rounded = words < 10 ? Math.max(0.1, Math.round(words * 10) / 10) : Math.round(words);
  return vscode.l10n.t('about {0} words a second', rounded);
}

const facts = (...parts: (string | undefined)[]): string => parts.filter((part) => part !== undefined).join(' · ');

function marked(home: ModelHome, path: string, description?: string): { description?: string } {
  const parts = [home.isChosen(path) ? vscode.l10n.t('in use') : undefined, description];
  const text = facts(...parts);
  return text === '' ? {} : { description: text };
}

function installedItem(home: ModelHome, model: InstalledModel): Choice {
  const { name, directory, bytes, source } = model;
  return {
    label: name,
    ...marked(home, directory),
    detail: facts(
      formatBytes(bytes),
      source?.licence,
      source ? vscode.l10n.t('from {0}', source.from) : undefined,
      purposeOf(name, bytes / 2),
    ),
    path: directory,
  };
}

function foundItem(home: ModelHome, model: FoundModel): Choice {
  const { name, path, bytes, licence, architecture, isSupported, purpose } = model;
  const refused = isSupported
    ? undefined
    : vscode.l10n.t('Anchorage does not run this kind of model ({0}).', architecture);
  return {
    label: name,
    ...marked(home, path, model.store === 'folder' ? undefined : model.store),
    detail: facts(formatBytes(bytes), licence, ...(refused ? [refused] : [speedText(model.wordsPerSecond), purpose])),
    path,
    ...(refused ? { refused } : {}),
  };
}

function servedItem(home: ModelHome, { program, base }: LocalServer, model: string): Choice {
  const server = `${base}#${encodeURIComponent(model)}`;
  return {
    label: model,
    ...marked(home, server),
    detail: vscode.l10n.t('{0} runs it, at {1}', program, new URL(base).host),
    path: server,
  };
}

/** The best download for this machine; undefined when it is installed. */
function recommendedItem(installed: readonly InstalledModel[], speed: MachineSpeed): Choice | undefined {
  const entry = recommendedFor(totalmem(), speed);
  if (installed.some(({ name }) => name === entry.repository.replace('/', '--'))) return undefined;
  return {
    label: `$(cloud-download) ${vscode.l10n.t('Download {0}', entry.title)}`,
    description: vscode.l10n.t('recommended for this machine'),
    detail: facts(
      vscode.l10n.t('{0} download', formatBytes(downloadBytes(entry.shape))),
      entry.licence,
      speedText(wordsPerSecond(entry.shape, speed)),
      entry.note,
    ),
    action: 'recommended',
  };
}

/** Lists the models on this machine, installed or another program's. The picked one writes the answers. */
export async function chooseModel(home: ModelHome): Promise<void> {
  const [installed, found, speed, servers] = await Promise.all([
    home.installed(),
    home.found(),
    home.speed(),
    findServers(),
  ]);
  const recommended = recommendedItem(installed, speed);
  const runnable = found.filter(({ isSupported }) => isSupported);
  const others = found.filter(({ isSupported }) => !isSupported);
  const picked = await vscode.window.showQuickPick<Choice>(
    [
      ...(recommended ? [recommended] : []),
      ...(installed.length > 0 ? [separator(vscode.l10n.t('installed'))] : []),
      ...installed.map((model) => installedItem(home, model)),
      ...(runnable.length > 0 ? [separator(vscode.l10n.t('on this machine, used where they are'))] : []),
      ...runnable.map((model) => foundItem(home, model)),
      ...servers.flatMap((server) => [
        separator(vscode.l10n.t('served by {0}', server.program)),
        ...server.models.map((model) => servedItem(home, server, model)),
      ]),
      ...(others.length > 0 ? [separator(vscode.l10n.t('cannot run here'))] : []),
      ...others.map((model) => foundItem(home, model)),
      separator(''),
      { label: vscode.l10n.t('No Model'), detail: vscode.l10n.t('Answers quote your files'), action: 'none' },
      { label: vscode.l10n.t('Download a Model…'), action: 'download' },
      {
        label: vscode.l10n.t('Import a Model…'),
        detail: vscode.l10n.t('Copies a folder or a .gguf file'),
        action: 'import',
      },
      { label: vscode.l10n.t('Search Other Folders…'), action: 'folders' },
      ...(home.decidedChatModels
        ? [{ label: vscode.l10n.t('Ask Again Which Chat Models May Write'), action: 'chat' as const }]
        : []),
    ],
    { title: vscode.l10n.t('Model for Answers'), matchOnDetail: true, matchOnDescription: true },
  );
  if (!picked) return;
  if (picked.refused !== undefined) void vscode.window.showWarningMessage(`${picked.label}: ${picked.refused}`);
  else if (picked.action === 'recommended') await downloadRecommended(home, recommendedFor(totalmem(), speed));
  else if (picked.action === 'folders')
    await vscode.commands.executeCommand('workbench.action.openSettings', 'anchorage.model.folders');
  else if (picked.action === 'download' || picked.action === 'import')
    await vscode.commands.executeCommand(`anchorage.${picked.action}Model`);
  else if (picked.action === 'chat') await home.forgetChatModels();
  else await home.choose(picked.path);
}

/** Deletes an installed model from this machine after the user confirms. */
export async function removeInstalled(home: ModelHome): Promise<void> {
  const installed = await home.installed();
  if (installed.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('No models are installed.'));
    return;
  }
  const picked = await vscode.window.showQuickPick(
    installed.map((model) => ({ ...installedItem(home, model), model })),
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
  if (home.isChosen(model.directory)) await home.choose(undefined);
  const freed = await removeModel(await home.directory(), model.name);
  void vscode.window.showInformationMessage(vscode.l10n.t('{0} removed ({1} freed).', model.name, formatBytes(freed)));
}
