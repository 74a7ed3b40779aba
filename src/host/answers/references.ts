/** Resolves the files and folders that a question names (reference-marks.ts). */
import * as vscode from 'vscode';
import type { Scope } from '../../protocol';
import { workspacePath, workspaceUri } from '../configuration';
import { plainQuestion, referencesIn, referenceTo } from './reference-marks';

/** The question without the marks, and the scope that its references name; the given scope without any. */
export async function resolveReferences(question: string, scope: Scope): Promise<{ question: string; scope: Scope }> {
  const uris = new Map<string, { uri: vscode.Uri; isFolder: boolean }>();
  for (const name of referencesIn(question)) {
    const found = await find(name);
    if (found) uris.set(name, found);
  }
  // “#12” or “#include” names no file and stays a word of the question.
  if (uris.size === 0) return { question, scope };
  const plain = plainQuestion(question, (name) => uris.has(name));
  return { question: plain, scope: scopeOf([...uris.values()]) };
}

/** The scope of files and folders. */
export function scopeOf(places: readonly { uri: vscode.Uri; isFolder: boolean }[]): Scope {
  const [first, ...more] = places;
  if (!first) return { kind: 'workspace' };
  if (more.length > 0) return { kind: 'paths', paths: places.map(({ uri }) => workspacePath(uri)) };
  if (!first.isFolder) return { kind: 'file', file: first.uri.fsPath };
  const path = workspacePath(first.uri);
  return path === '' ? { kind: 'workspace' } : { kind: 'folder', path };
}

/** A place by its workspace path, or a file by its name where only one file has it. */
async function find(name: string): Promise<{ uri: vscode.Uri; isFolder: boolean } | undefined> {
  const uri = workspaceUri(name.replace(/\/+$/, ''));
  const type =
    uri &&
    (await vscode.workspace.fs.stat(uri).then(
      ({ type }) => type,
      () => undefined,
    ));
  if (uri && type !== undefined) return { uri, isFolder: (type & vscode.FileType.Directory) !== 0 };
  if (/[*?{}[\]\\]/.test(name)) return undefined;
  const [only, ...others] = await vscode.workspace.findFiles(`**/${name}`, undefined, 2);
  return only && others.length === 0 ? { uri: only, isFolder: false } : undefined;
}

/** Most files offered. Typing narrows them down. */
const MOST_OFFERED = 5_000;

/** Lets the user pick a file or folder. @returns its reference, or undefined */
export async function pickReference(): Promise<string | undefined> {
  const items = vscode.workspace.findFiles('**/*', undefined, MOST_OFFERED).then((files) => {
    const paths = files.map((uri) => workspacePath(uri)).sort();
    const folders = new Set(paths.flatMap((path) => parents(path)));
    return [
      ...paths.map((path) => ({ label: `$(file) ${path.slice(path.lastIndexOf('/') + 1)}`, description: path })),
      ...[...folders].sort().map((path) => ({ label: `$(folder) ${path}/`, description: path })),
    ];
  });
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Ask about a file or folder'),
    placeHolder: vscode.l10n.t('Name of a file or folder'),
    matchOnDescription: true,
  });
  return picked && referenceTo(picked.description);
}

/** Most dropped files that a question names. */
const MOST_DROPPED = 20;

/** References to dropped files and folders, without those outside the workspace. */
export function droppedReferences(uris: readonly string[]): string {
  const inside = uris
    .slice(0, MOST_DROPPED)
    .map((each) => vscode.Uri.parse(each))
    .filter((uri) => uri.scheme === 'file' && vscode.workspace.getWorkspaceFolder(uri) !== undefined);
  return [...new Set(inside.map((uri) => referenceTo(workspacePath(uri))))].join(' ');
}

function parents(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'));
}
