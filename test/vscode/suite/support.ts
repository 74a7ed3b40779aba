import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as vscode from 'vscode';

export const EXTENSION_ID = 'anchorage.anchorage';

/** Polls until `look` returns a value other than undefined and false. Fails after `limit` ms with the last error. */
export async function eventually<T>(
  look: () => Promise<T | undefined | false>,
  what: string,
  limit = 15_000,
): Promise<T> {
  const deadline = Date.now() + limit;
  let lastError: unknown;
  while (Date.now() < deadline) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
    } catch (error) {
      lastError = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not within ${limit} ms: ${what}${lastError ? ` (${String(lastError)})` : ''}`);
}

export function workspaceFile(name: string): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (!folder) throw new Error('the test needs a folder');
  return vscode.Uri.joinPath(folder.uri, name);
}

/** The text result of the search tool for a query. */
export async function search(query: string, options: { folder?: string; limit?: number } = {}): Promise<string> {
  return invoke('anchorage_search_workspace', { query, ...options });
}

export async function invoke(tool: string, input: object): Promise<string> {
  const result = await vscode.lm.invokeTool(tool, { input, toolInvocationToken: undefined });
  return result.content.map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : '')).join('');
}

export async function write(uri: vscode.Uri, text: string): Promise<void> {
  await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
}

/** Process ids of Anchorage's workers below this extension host. */
export async function workerPids(): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(parent) === process.pid && command?.includes('worker.js') ? [Number(pid)] : [];
  });
}
