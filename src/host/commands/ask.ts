import path from 'node:path';
import * as vscode from 'vscode';
import { linkedMarkdown } from '../../base';
import type { Scope } from '../../protocol';
import type { Asking } from '../answers/asking';
import type { AnswerHistory } from '../answers/history';
import { scopeOf } from '../answers/references';
import { diskFolders, workspacePath } from '../configuration';
import { setContext, type Services } from '../services';

/** Maximum number of workspace folders listed individually. */
const MOST_ROOTS = 8;

interface ScopeItem extends vscode.QuickPickItem {
  scope?: Scope;
}

/**
 * Asks a question. Unless `given` has one, the user types it in a quick pick above the list of scopes, or completes the
 * given draft.
 */
export async function ask(asking: Asking, given?: { question?: string; scope?: Scope; draft?: string }): Promise<void> {
  const { question, scope } = given?.question
    ? { question: given.question, scope: given.scope ?? { kind: 'workspace' as const } }
    : ((await pickQuestion(given?.scope, given?.draft)) ?? {});
  if (question && scope) await asking.ask(question, scope, false);
}

export async function askFolder(asking: Asking, folder?: vscode.Uri): Promise<void> {
  const uri = folder ?? (await pickFolder());
  if (uri) await ask(asking, { scope: folderScope(uri) });
}

/** Asks about files and folders of the explorer or an editor tab. */
export async function askPlaces(asking: Asking, given?: vscode.Uri, all?: readonly vscode.Uri[]): Promise<void> {
  const shown = vscode.window.activeTextEditor?.document.uri;
  const uris = all && all.length > 0 ? all : [given ?? shown].flatMap((uri) => uri ?? []);
  const places = await Promise.all(
    uris
      .filter(({ scheme }) => scheme === 'file')
      .map(async (uri) => ({
        uri,
        isFolder: ((await vscode.workspace.fs.stat(uri)).type & vscode.FileType.Directory) !== 0,
      })),
  );
  if (places.length === 0) throw new Error(vscode.l10n.t('Open a file first.'));
  await ask(asking, { scope: scopeOf(places) });
}

export async function askSelection(asking: Asking): Promise<void> {
  const scope = selectionScope(vscode.window.activeTextEditor);
  if (scope) await ask(asking, { scope });
  else void vscode.window.showInformationMessage(vscode.l10n.t('Select some lines first.'));
}

async function pickQuestion(first?: Scope, draft = ''): Promise<{ question: string; scope: Scope } | undefined> {
  const chosen = await new Promise<{ question: string; item: ScopeItem } | undefined>((resolve) => {
    const pick = vscode.window.createQuickPick<ScopeItem>();
    pick.title = vscode.l10n.t('Ask');
    pick.placeholder = vscode.l10n.t('Ask a question about… (Enter to ask the selected scope)');
    pick.ignoreFocusOut = true;
    pick.value = draft;
    inOurOrder(pick);
    pick.items = scopeItems(first);
    pick.onDidAccept(() => {
      const question = pick.value.trim();
      const item = pick.activeItems[0] ?? pick.items[0];
      if (!question || !item) return;
      resolve({ question, item });
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
  if (!chosen) return undefined;
  if (chosen.item.scope) return { question: chosen.question, scope: chosen.item.scope };
  const folder = await pickFolder();
  return folder && { question: chosen.question, scope: folderScope(folder) };
}

/**
 * Keeps the scopes in their order while the user types. By default the list moves matching items to the top, so Enter
 * could pick another scope. The switch `sortByLabel` exists in every supported version, but not in the API's types.
 */
function inOurOrder(pick: vscode.QuickPick<ScopeItem>): void {
  Object.assign(pick, { sortByLabel: false });
}

/** The possible scopes of a question. `alwaysShow` keeps them listed while the typed question matches none. */
function scopeItems(first?: Scope): ScopeItem[] {
  const editor = vscode.window.activeTextEditor;
  const scopes: (Scope | undefined)[] = [
    first,
    { kind: 'workspace' },
    selectionScope(editor),
    fileScope(editor),
    ...rootScopes(),
  ];
  const seen = new Set<string>();
  const items = scopes.flatMap((scope): ScopeItem[] => {
    const key = JSON.stringify(scope);
    if (!scope || seen.has(key)) return [];
    seen.add(key);
    return [{ ...describeScope(scope), scope, alwaysShow: true }];
  });
  return [...items, { label: `$(folder-opened) ${vscode.l10n.t('Choose a folder…')}`, alwaysShow: true }];
}

function describeScope(scope: Scope): { label: string; description: string } {
  switch (scope.kind) {
    case 'workspace':
      return {
        label: `$(library) ${vscode.l10n.t('Workspace')}`,
        description: diskFolders()
          .map(({ name }) => name)
          .join(', '),
      };
    case 'folder':
      return { label: `$(folder) ${vscode.l10n.t('Folder')}`, description: scope.path };
    case 'file':
      return {
        label: `$(file) ${isShown(scope.file) ? vscode.l10n.t('Open file') : vscode.l10n.t('File')}`,
        description: path.basename(scope.file),
      };
    case 'paths':
      return { label: `$(files) ${vscode.l10n.t('Files and folders')}`, description: scope.paths.join(', ') };
    case 'selection':
      return {
        label: `$(list-selection) ${vscode.l10n.t('Selection')}`,
        description: `${path.basename(scope.file)}:${scope.startLine}–${scope.endLine}`,
      };
  }
}

const isShown = (file: string): boolean => vscode.window.activeTextEditor?.document.uri.fsPath === file;

function fileScope(editor: vscode.TextEditor | undefined): Scope | undefined {
  return editor?.document.uri.scheme === 'file' ? { kind: 'file', file: editor.document.uri.fsPath } : undefined;
}

function selectionScope(editor: vscode.TextEditor | undefined): Scope | undefined {
  if (editor?.document.uri.scheme !== 'file' || editor.selection.isEmpty) return undefined;
  return {
    kind: 'selection',
    file: editor.document.uri.fsPath,
    startLine: editor.selection.start.line + 1,
    endLine: editor.selection.end.line + 1,
  };
}

/** The scope of a folder. The only folder of a workspace is the whole workspace. */
function folderScope(uri: vscode.Uri): Scope {
  const { workspaceFolders: folders = [] } = vscode.workspace;
  if (folders.length === 1 && folders[0]?.uri.toString() === uri.toString()) return { kind: 'workspace' };
  return { kind: 'folder', path: workspacePath(uri) };
}

/** The folders of a multi-root workspace. If there are too many, the user chooses in the dialog. */
function rootScopes(): Scope[] {
  const folders = diskFolders();
  return folders.length > 1 && folders.length <= MOST_ROOTS
    ? folders.map(({ name }) => ({ kind: 'folder', path: name }))
    : [];
}

async function pickFolder(): Promise<vscode.Uri | undefined> {
  const start = vscode.workspace.workspaceFolders?.[0]?.uri;
  const picked = await vscode.window.showOpenDialog({
    canSelectFiles: false,
    canSelectFolders: true,
    canSelectMany: false,
    openLabel: vscode.l10n.t('Ask about this folder'),
    ...(start ? { defaultUri: start } : {}),
  });
  const uri = picked?.[0];
  if (uri && !vscode.workspace.getWorkspaceFolder(uri))
    throw new Error(vscode.l10n.t('{0} is not in this workspace. Choose a folder of the workspace.', uri.fsPath));
  return uri;
}

/** Lists the answer history. The picked answer is shown again with its spans and context. */
export async function answerHistory(services: Services, history: AnswerHistory): Promise<void> {
  const entries = history.list();
  if (entries.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('No answers yet. Ask something first.'));
    return;
  }
  const items = entries.map(({ id, question, at }) => ({
    id,
    label: question,
    description: new Date(at).toLocaleString(vscode.env.language),
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Answers'),
    placeHolder: vscode.l10n.t('Show an earlier answer'),
    matchOnDescription: true,
  });
  if (picked) await openAnswer(services, history, picked.id);
}

export async function openAnswer(services: Services, history: AnswerHistory, id: string): Promise<void> {
  const answers = await history.load(id);
  const answer = answers.at(-1);
  if (!answer) throw new Error(vscode.l10n.t('This answer is no longer available.'));
  for (const message of services.conversation.restore(answers)) services.answerView.post(message);
  services.spansView.show(answer.spans, answer.question);
  services.cacheView.show(answer.ledger, answer.question, answer.timing);
  setContext('hasAnswer', true);
  await services.answerView.reveal();
}

export async function copyAnswer({ conversation }: Services): Promise<void> {
  const answer = conversation.latestAnswer();
  if (!answer) return;
  await vscode.env.clipboard.writeText(linkedMarkdown(answer.markdown, answer.citations));
  vscode.window.setStatusBarMessage(vscode.l10n.t('Copied'), 2_000);
}

/** Opens the conversation as a document, to read it beside the code or to save it. */
export async function openInEditor({ conversation, answerText }: Services): Promise<void> {
  await answerText.open(conversation.answers());
}
