import * as vscode from 'vscode';
import type { RankedSpan } from '../../protocol';
import { QUESTION_PATIENCE, waitForIndex } from '../answers/index-wait';
import { workspaceUri } from '../configuration';
import type { WorkerClient } from '../worker-client';

const SEARCH = 'anchorage_search_workspace';
const READ = 'anchorage_read_span';
const MOST_LINES = 400;

interface SearchInput {
  query: string;
  folder?: string;
  limit?: number;
}

interface ReadInput {
  path: string;
  startLine: number;
  endLine: number;
}

/** Registers the search and read tools for the chat's language models, if the editor has a chat. */
export function registerTools(client: WorkerClient, prepare: () => Promise<void>): vscode.Disposable[] {
  if (typeof vscode.lm?.registerTool !== 'function') return [];
  return [vscode.lm.registerTool(SEARCH, searchTool(client, prepare)), vscode.lm.registerTool(READ, readTool(client))];
}

function searchTool(client: WorkerClient, prepare: () => Promise<void>): vscode.LanguageModelTool<SearchInput> {
  return {
    prepareInvocation: ({ input }) => ({
      invocationMessage: vscode.l10n.t('Searching the workspace for “{0}”', input.query),
    }),
    invoke: async ({ input }, token) => {
      if (typeof input.query !== 'string' || input.query.trim() === '')
        throw new Error('`query` must be a question or some identifiers.');
      await prepare();
      await waitForIndex(client, token, QUESTION_PATIENCE);
      const limit = Math.min(30, Math.max(1, Math.round(input.limit ?? 8)));
      const scope = input.folder ? { kind: 'folder' as const, path: input.folder } : { kind: 'workspace' as const };
      const { spans, coverage } = await client.request('search', { question: input.query, scope, limit }, token);
      const covered = coverage.indexing
        ? `Indexing is still running: ${coverage.filesIndexed} of ${coverage.filesKnown} files so far.\n\n`
        : '';
      return textResult(covered + (spans.length > 0 ? spans.map(formatSpan).join('\n\n') : 'No results.'));
    },
  };
}

function readTool(client: WorkerClient): vscode.LanguageModelTool<ReadInput> {
  return {
    prepareInvocation: ({ input }) => ({
      invocationMessage: vscode.l10n.t('Reading {0}, lines {1} to {2}', input.path, input.startLine, input.endLine),
    }),
    invoke: async ({ input }, token) => {
      const uri = await resolvePath(input.path);
      const why = await client.request('index/why', { file: uri.fsPath }, token);
      if (!why.indexed) throw new Error(`${input.path} is not in the index: ${why.reason}`);
      const document = await vscode.workspace.openTextDocument(uri);
      const first = Math.max(1, Math.round(input.startLine));
      const last = Math.min(document.lineCount, Math.round(input.endLine), first + MOST_LINES - 1);
      if (!(first <= last))
        throw new Error(
          `${input.path} has ${document.lineCount} lines; lines ${input.startLine} to ${input.endLine} are ` +
            `not among them.`,
        );
      const text = document.getText(new vscode.Range(first - 1, 0, last - 1, document.lineAt(last - 1).text.length));
      return textResult(`${why.path}:${first}-${last}\n${fence(text, document.languageId)}`);
    },
  };
}

/** Resolves a path in the form that the search tool prints. */
async function resolvePath(path: string): Promise<vscode.Uri> {
  const uri = workspaceUri(path);
  if (uri && (await exists(uri))) return uri;
  throw new Error(`${path} is not a file of this workspace. Use a path that anchorage_search_workspace returned.`);
}

function exists(uri: vscode.Uri): Thenable<boolean> {
  return vscode.workspace.fs.stat(uri).then(
    (stat) => (stat.type & vscode.FileType.File) !== 0,
    () => false,
  );
}

function formatSpan(span: RankedSpan): string {
  const where = span.breadcrumb.length > 0 ? ` (${span.breadcrumb.join(' › ')})` : '';
  return `${span.path}:${span.startLine}-${span.endLine}${where}\n${fence(span.text, span.language)}`;
}

/** A code block whose fence is longer than any in the text, so that the text cannot end it. */
function fence(text: string, language: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([ticks]) => ticks.length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}${language}\n${text}\n${ticks}`;
}

function textResult(text: string): vscode.LanguageModelToolResult {
  return new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(text)]);
}
