import * as vscode from 'vscode';
import type { WorkerClient } from '../worker-client';

/** Scheme of the extracted text of a PDF, book or Word document; path and name are the document's. */
const SCHEME = 'anchorage-document';

/** Documents that an editor cannot show as text. */
const EXTRACTED = /\.(?:pdf|epub|do[ct][xm])$/i;
const NOTEBOOK = /\.ipynb$/i;

/** How the lines of a file are shown: in its editor, in its notebook's cells, or as extracted text. */
export function viewerOf(file: string): 'editor' | 'notebook' | 'text' {
  return NOTEBOOK.test(file) ? 'notebook' : EXTRACTED.test(file) ? 'text' : 'editor';
}

export function textUri(file: string): vscode.Uri {
  return vscode.Uri.file(file).with({ scheme: SCHEME });
}

/** The file of an extracted text; any other URI as it is. */
export function documentUri(uri: vscode.Uri): vscode.Uri {
  return uri.scheme === SCHEME ? uri.with({ scheme: 'file' }) : uri;
}

/** Shows extracted texts, which are as they were indexed: with headings and marks between the pages. */
export class DocumentText implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registration: vscode.Disposable;

  constructor(private readonly client: WorkerClient) {
    this.registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  async provideTextDocumentContent(uri: vscode.Uri, token: vscode.CancellationToken): Promise<string> {
    const { text } = await this.client.request('document/text', { file: documentUri(uri).fsPath }, token);
    return text;
  }

  /** Opens the text of a document as it is now. */
  async open(file: string): Promise<vscode.TextDocument> {
    const uri = textUri(file);
    const isOpen = vscode.workspace.textDocuments.some((document) => document.uri.toString() === uri.toString());
    if (isOpen) this.changed.fire(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    return document.languageId === 'markdown'
      ? document
      : vscode.languages.setTextDocumentLanguage(document, 'markdown');
  }

  dispose(): void {
    this.registration.dispose();
    this.changed.dispose();
  }
}

const CELL_SCHEME = 'vscode-notebook-cell';

const UNTITLED = 'untitled';

/** Documents that Anchorage reads: files, the cells of notebooks, and untitled documents. */
export const READ_DOCUMENTS: readonly vscode.DocumentFilter[] = [
  { scheme: 'file' },
  { scheme: CELL_SCHEME },
  { scheme: UNTITLED },
];

export const isUntitled = ({ scheme }: vscode.Uri): boolean => scheme === UNTITLED;

/** The name that the worker knows a file or an untitled document by: its path, or its URI. */
export const nameOf = (uri: vscode.Uri): string => (isUntitled(uri) ? uri.toString(true) : uri.fsPath);

/** The document of such a name. */
export function uriOf(name: string): vscode.Uri {
  return name.startsWith(`${UNTITLED}:`) ? vscode.Uri.parse(name) : vscode.Uri.file(name);
}

/** The file of a document: of a notebook for its cell, of an extracted text. Undefined for one that is not on disk. */
export function fileOf(uri: vscode.Uri): vscode.Uri | undefined {
  const own = uri.scheme === CELL_SCHEME ? uri.with({ scheme: 'file', fragment: '', query: '' }) : documentUri(uri);
  return own.scheme === 'file' ? own : undefined;
}

/**
 * Where a line (from 0) of a document is in its file's text (from 1). Lines of a notebook's text are those of all
 * cells. Undefined for a cell that the saved notebook has not.
 */
export async function lineInFile(
  client: WorkerClient,
  document: vscode.TextDocument,
  line: number,
): Promise<number | undefined> {
  if (document.uri.scheme !== CELL_SCHEME) return line + 1;
  const cells = vscode.workspace.notebookDocuments.map((notebook) => notebook.getCells());
  const index = cells.flatMap((own) => own.findIndex((cell) => cell.document === document)).find((at) => at >= 0);
  const file = fileOf(document.uri)?.fsPath;
  if (index === undefined || file === undefined) return undefined;
  const { places } = await client.request('document/text', { file });
  const place = places.find(({ number }) => number === index + 1);
  return place && Math.min(place.startLine + line, place.endLine);
}

/** Lines of a notebook's text as a cell and lines within it, from 0. */
export async function cellAt(
  client: WorkerClient,
  { file, startLine, endLine }: { file: string; startLine: number; endLine: number },
): Promise<{ cell: number; first: number; last: number } | undefined> {
  const { places } = await client.request('document/text', { file });
  const place = places.find((each) => each.endLine >= startLine);
  if (!place) return undefined;
  // The lines of an output are not those of the cell.
  if (places.find(({ number }) => number === place.number) !== place)
    return { cell: place.number - 1, first: 0, last: 0 };
  const first = Math.max(0, startLine - place.startLine);
  const last = Math.max(first, Math.min(endLine, place.endLine) - place.startLine);
  return { cell: place.number - 1, first, last };
}
