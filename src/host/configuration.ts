import path from 'node:path';
import * as vscode from 'vscode';
import type { FolderParams, Held, InitializeParams, WorkerSettings } from '../protocol';
import { PROTOCOL_VERSION } from '../protocol';
import { distinctNames } from './folder-names';
import { readTeamKeys } from './team/team-keys';

const SECTION = 'anchorage';

/** Every setting of the extension with its type. package.json declares defaults and limits. */
export interface Settings {
  'index.maxFileSizeKB': number;
  'index.secrets': boolean;
  'index.followLinks': boolean;
  'index.unsavedEdits': boolean;
  'worker.idleMinutes': number;
  'hover.enabled': boolean;
  'hover.explain': 'link' | 'automatic' | 'never';
  'answer.historySize': number;
  'model.directory': string;
  'model.folders': readonly string[];
  'model.allowedHosts': readonly string[];
  'model.weights': WorkerSettings['weights'];
  'model.hub': string;
  'engine.threads': number;
  'memory.diskBudgetMB': number;
  'memory.shared': string;
}

export function setting<K extends keyof Settings>(key: K, scope?: vscode.ConfigurationScope): Settings[K] {
  // The manifest gives every setting a default, so there is always a value.
  return vscode.workspace.getConfiguration(SECTION, scope).get<Settings[K]>(key) as Settings[K];
}

export function affectsWorker(event: vscode.ConfigurationChangeEvent): boolean {
  return (
    ['index.maxFileSizeKB', 'index.secrets', 'index.followLinks', 'model', 'engine', 'memory'].some((key) =>
      event.affectsConfiguration(`${SECTION}.${key}`),
    ) || event.affectsConfiguration('files.exclude')
  );
}

/** @param secrets the editor's secret storage, which has the keys of a team's memory */
export async function workerSettings(secrets: vscode.SecretStorage): Promise<WorkerSettings> {
  const model = setting('model.directory');
  // A server's address stands where a folder or file would.
  const isServer = /^https?:\/\//i.test(model);
  return {
    filesExclude: excludedPatterns(),
    maxFileBytes: setting('index.maxFileSizeKB') * 1024,
    secrets: setting('index.secrets'),
    followLinks: setting('index.followLinks'),
    ...(isServer ? { modelDirectory: '', modelServer: model } : { modelDirectory: model, modelServer: '' }),
    allowedHosts: setting('model.allowedHosts'),
    memoryBudgetBytes: setting('memory.diskBudgetMB') * 1024 * 1024,
    ...(await sharedMemory(secrets)),
    threads: setting('engine.threads'),
    weights: setting('model.weights'),
  };
}

/** The team's memory that the settings name. A workspace that is not trusted names none. */
async function sharedMemory(secrets: vscode.SecretStorage): Promise<Pick<WorkerSettings, 'shared'>> {
  const address = setting('memory.shared').trim();
  if (address === '' || !vscode.workspace.isTrusted) return {};
  const keys = await readTeamKeys(secrets, address);
  return { shared: { address, ...(keys ? { keys } : {}) } };
}

/**
 * Enabled `files.exclude` patterns. Conditional ones (`{ when }`) depend on sibling files and are ignored.
 */
function excludedPatterns(folder?: vscode.Uri): string[] {
  const excluded =
    vscode.workspace.getConfiguration('files', folder ?? null).get<Record<string, unknown>>('exclude') ?? {};
  return Object.keys(excluded).filter((pattern) => excluded[pattern] === true);
}

/** The editor's encoding of a folder's files, unless it is UTF-8, which every text is tried as. */
function encodingOf(folder: vscode.Uri): { encoding?: string } {
  const encoding = vscode.workspace.getConfiguration('files', folder).get<string>('encoding') ?? 'utf8';
  return encoding.startsWith('utf8') ? {} : { encoding };
}

/** Workspace folders on disk, with distinct names. The worker cannot read folders of virtual file systems. */
export function diskFolders(): FolderParams[] {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter((folder) => folder.uri.scheme === 'file');
  const names = distinctNames(folders.map(({ name, uri }) => ({ name, directory: uri.fsPath })));
  return folders.map(({ name, uri }, index) => ({
    name: names[index] ?? name,
    directory: uri.fsPath,
    filesExclude: excludedPatterns(uri),
    ...encodingOf(uri),
  }));
}

/**
 * The worker's path of a file or folder. The editor's relative path is not used, because folders of the same name share
 * its first part.
 */
export function workspacePath(uri: vscode.Uri): string {
  const folders = diskFolders();
  const root = vscode.workspace.getWorkspaceFolder(uri)?.uri.fsPath;
  const folder = folders.find(({ directory }) => directory === root);
  if (!folder) return vscode.workspace.asRelativePath(uri);
  const way = path.relative(folder.directory, uri.fsPath).split(path.sep).join('/');
  return [...(folders.length > 1 ? [folder.name] : []), ...(way ? [way] : [])].join('/');
}

/** The URI of a workspace path. Undefined outside the workspace folders. */
export function workspaceUri(workspacePath: string): vscode.Uri | undefined {
  const folders = diskFolders();
  const slash = workspacePath.indexOf('/');
  const folder = folders.length > 1 ? folders.find(({ name }) => name === workspacePath.slice(0, slash)) : folders[0];
  if (!folder) return undefined;
  const uri = vscode.Uri.joinPath(
    vscode.Uri.file(folder.directory),
    folders.length > 1 ? workspacePath.slice(slash + 1) : workspacePath,
  );
  // `..` must not lead out of the workspace.
  return vscode.workspace.getWorkspaceFolder(uri) && uri;
}

/** The folder of the models installed on this machine. */
export function modelsFolder(context: vscode.ExtensionContext): vscode.Uri {
  return vscode.Uri.joinPath(context.globalStorageUri, 'models');
}

export async function initializeParams(
  context: vscode.ExtensionContext,
  held: () => Held | undefined,
): Promise<InitializeParams> {
  // A window without a folder has no workspace storage.
  const storage = context.storageUri ?? vscode.Uri.joinPath(context.globalStorageUri, 'no-folder');
  const models = modelsFolder(context);
  await Promise.all([vscode.workspace.fs.createDirectory(storage), vscode.workspace.fs.createDirectory(models)]);
  const hold = held();
  return {
    protocolVersion: PROTOCOL_VERSION,
    folders: diskFolders(),
    storageDirectory: storage.fsPath,
    modelsDirectory: models.fsPath,
    settings: await workerSettings(context.secrets),
    trusted: vscode.workspace.isTrusted,
    ...(vscode.l10n.bundle ? { strings: vscode.l10n.bundle } : {}),
    ...(hold ? { held: hold } : {}),
  };
}
