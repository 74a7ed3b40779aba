import * as vscode from 'vscode';
import type { WorkerClient } from '../worker-client';

/** Scheme of a commit as git shows it. The path is the file, the query the commit's hash. */
const SCHEME = 'anchorage-commit';

export function registerCommits(client: WorkerClient): vscode.Disposable {
  return vscode.workspace.registerTextDocumentContentProvider(SCHEME, {
    provideTextDocumentContent: async (uri, token) => {
      const file = uri.with({ scheme: 'file', query: '', path: uri.path.replace(/\/[0-9a-f]+\.diff$/, '') }).fsPath;
      return (await client.request('history/commit', { file, hash: uri.query }, token)).text;
    },
  });
}

/** Shows message and changes of a commit to a file. */
export async function showCommit(file: string, hash: string): Promise<void> {
  const uri = vscode.Uri.file(file);
  const shown = uri.with({ scheme: SCHEME, path: `${uri.path}/${hash.slice(0, 10)}.diff`, query: hash });
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(shown), { preview: true });
}
