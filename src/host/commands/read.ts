import * as vscode from 'vscode';
import type { Span } from '../../protocol';
import type { Asking } from '../answers/asking';
import { waitForIndex } from '../answers/index-wait';
import { workspacePath } from '../configuration';
import { fileOf, isUntitled, lineInFile, nameOf, uriOf } from '../editor/document-text';
import { linesRange } from '../editor/span-opener';
import type { Services } from '../services';
import type { WorkerClient } from '../worker-client';

/** Summarizes the file selected in the explorer, else the open file. */
export async function summarizeFile({ summaries }: Services, asking: Asking, given?: vscode.Uri): Promise<void> {
  const uri = readUri(given);
  await asking.prepare();
  await summaries.show(nameOf(uri));
}

/** Explains the selection, else the definition or line at the cursor. */
export async function explain({ client }: Services, asking: Asking): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const uri = readUri(undefined);
  if (!editor) return;
  const { selection } = editor;
  const range = selection.isEmpty ? await enclosingDefinition(editor.document, selection.active) : selection;
  await asking.explain(await spanIn(client, uri, editor.document, range));
}

/** Most results of Show Similar Code. */
const MOST_SIMILAR = 20;

/** Lists spans that resemble the selection, else the definition at the cursor, in the Spans panel. */
export async function showSimilar({ client, spansView }: Services, asking: Asking): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const uri = fileUri(undefined);
  if (!editor) return;
  const { selection } = editor;
  const range = selection.isEmpty ? await enclosingDefinition(editor.document, selection.active) : selection;
  const span = await spanIn(client, uri, editor.document, range);
  const work = async (): Promise<void> => {
    await asking.prepare();
    await waitForIndex(client);
    const { spans } = await client.request('related', { ...span, limit: MOST_SIMILAR });
    spansView.show(spans, vscode.l10n.t('Similar to {0}:{1}–{2}', span.path, span.startLine, span.endLine));
  };
  await vscode.window.withProgress({ location: { viewId: spansView.viewId } }, work);
  await spansView.reveal();
}

/** Runs the Explain link of a hover. Its arguments come from JSON, so their types are checked. */
export async function explainAt(asking: Asking, file: unknown, startLine: unknown, endLine: unknown): Promise<void> {
  if (typeof file !== 'string' || typeof startLine !== 'number' || typeof endLine !== 'number') return;
  await asking.explain(spanOf(uriOf(file), startLine, endLine));
}

export async function openSpan(
  { opener }: Services,
  file: unknown,
  startLine: unknown,
  endLine: unknown,
): Promise<void> {
  if (typeof file !== 'string' || typeof startLine !== 'number' || typeof endLine !== 'number') return;
  await opener.open(spanOf(uriOf(file), startLine, endLine));
}

export function spanOf(uri: vscode.Uri, startLine: number, endLine: number): Span {
  return { file: nameOf(uri), path: isUntitled(uri) ? uri.path : workspacePath(uri), startLine, endLine };
}

/** The given file, else the open file. @throws Error if there is no file on disk */
export function fileUri(given: vscode.Uri | undefined): vscode.Uri {
  const shown = given instanceof vscode.Uri ? given : vscode.window.activeTextEditor?.document.uri;
  if (!shown) throw new Error(vscode.l10n.t('Open a file first.'));
  const uri = fileOf(shown);
  if (!uri) throw new Error(vscode.l10n.t('{0} is not a file on disk. Save it first.', shown.path));
  return uri;
}

/** The given file, else the open file or untitled document. @throws Error for another document */
function readUri(given: vscode.Uri | undefined): vscode.Uri {
  const shown = vscode.window.activeTextEditor?.document.uri;
  return given === undefined && shown && isUntitled(shown) ? shown : fileUri(given);
}

/** Lines of a document as lines of its file, whose text is that of all cells in a notebook. */
async function spanIn(
  client: WorkerClient,
  uri: vscode.Uri,
  document: vscode.TextDocument,
  range: vscode.Range,
): Promise<Span> {
  const first = (await lineInFile(client, document, range.start.line)) ?? 1;
  return spanOf(uri, first, first + lastLine(range) - range.start.line - 1);
}

/** The innermost definition around a position, from the editor's language support, else the line. */
async function enclosingDefinition(document: vscode.TextDocument, position: vscode.Position): Promise<vscode.Range> {
  const symbols = await vscode.commands.executeCommand<
    (vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined
  >('vscode.executeDocumentSymbolProvider', document.uri);
  let innermost: vscode.Range | undefined;
  const visit = (list: readonly (vscode.DocumentSymbol | vscode.SymbolInformation)[]): void => {
    for (const symbol of list) {
      const range = 'location' in symbol ? symbol.location.range : symbol.range;
      if (!range.contains(position)) continue;
      if (!innermost || innermost.contains(range)) innermost = range;
      if ('children' in symbol) visit(symbol.children);
    }
  };
  visit(symbols ?? []);
  return innermost ?? linesRange(document, { startLine: position.line + 1, endLine: position.line + 1 });
}

/** A selection that ends before the first character of a line does not include that line. */
function lastLine(range: vscode.Range): number {
  return range.end.character === 0 && range.end.line > range.start.line ? range.end.line : range.end.line + 1;
}
