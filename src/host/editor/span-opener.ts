import * as vscode from 'vscode';
import type { Citation, Span } from '../../protocol';
import { setContext } from '../services';
import type { WorkerClient } from '../worker-client';
import { showCommit } from './commit-text';
import { cellAt, type DocumentText, uriOf, viewerOf } from './document-text';

export interface OpenOptions {
  /** Keep the focus in the panel. */
  preserveFocus?: boolean;
  /** The citation to locate, because its lines may have moved. */
  citation?: Citation;
}

/** Opens the editor at the lines of a span and highlights them until they are edited or another span is opened. */
export class SpanOpener implements vscode.Disposable {
  private readonly highlight = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    backgroundColor: new vscode.ThemeColor('editor.rangeHighlightBackground'),
    // High-contrast themes have borders where others have backgrounds.
    borderWidth: '0 0 0 3px',
    borderStyle: 'solid',
    borderColor: new vscode.ThemeColor('focusBorder'),
    overviewRulerColor: new vscode.ThemeColor('editorOverviewRuler.findMatchForeground'),
    overviewRulerLane: vscode.OverviewRulerLane.Center,
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  private shown: { document: vscode.Uri; range: vscode.Range } | undefined;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly client: WorkerClient,
    private readonly texts: DocumentText,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.subscriptions = [
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0 && document.uri.toString() === this.shown?.document.toString()) this.clear();
      }),
      // An editor loses its decorations while it is hidden.
      vscode.window.onDidChangeVisibleTextEditors(() => this.draw()),
    ];
  }

  async open(span: Span, { preserveFocus = false, citation }: OpenOptions = {}): Promise<void> {
    if (citation?.commit !== undefined) return showCommit(citation.file, citation.commit);
    const target = citation ? await this.locate(citation) : span;
    if (viewerOf(target.file) === 'notebook') return this.openCell(target, preserveFocus, citation);
    const document = await this.documentOf(target);
    const { uri } = document;
    const range = linesRange(document, target);
    const viewColumn = columnFor(uri);
    const editor = await vscode.window.showTextDocument(document, {
      preview: true,
      preserveFocus,
      viewColumn,
      selection: new vscode.Range(range.start, range.start),
    });
    editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    this.shown = { document: uri, range };
    this.draw();
    if (citation) setContext('citationOpened', true);
  }

  private async documentOf({ file, path }: Span): Promise<vscode.TextDocument> {
    try {
      return await (viewerOf(file) === 'text' ? this.texts.open(file) : vscode.workspace.openTextDocument(uriOf(file)));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(vscode.l10n.t('{0} cannot be opened: {1}', path, reason), { cause: error });
    }
  }

  /** Shows the cell of a notebook, with the lines highlighted in it. */
  private async openCell(span: Span, preserveFocus: boolean, citation: Citation | undefined): Promise<void> {
    const uri = vscode.Uri.file(span.file);
    const [notebook, place] = await Promise.all([
      vscode.workspace.openNotebookDocument(uri),
      cellAt(this.client, span).catch((error: unknown) => {
        this.log.warn(`The cell of ${span.path}:${span.startLine} was not found: ${String(error)}`);
        return undefined;
      }),
    ]);
    const index = Math.min(place?.cell ?? 0, notebook.cellCount - 1);
    const selections = index < 0 ? [] : [new vscode.NotebookRange(index, index + 1)];
    const viewColumn = columnFor(uri);
    const editor = await vscode.window.showNotebookDocument(notebook, { preserveFocus, viewColumn, selections });
    const range = selections[0];
    if (range) editor.revealRange(range, vscode.NotebookEditorRevealType.InCenterIfOutsideViewport);
    const document = index < 0 ? undefined : notebook.cellAt(index).document;
    if (document && place) {
      const lines = linesRange(document, { startLine: place.first + 1, endLine: place.last + 1 });
      this.shown = { document: document.uri, range: lines };
      this.draw();
    }
    if (citation) setContext('citationOpened', true);
  }

  clear(): void {
    this.shown = undefined;
    this.draw();
  }

  dispose(): void {
    this.highlight.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private draw(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const here = this.shown && editor.document.uri.toString() === this.shown.document.toString();
      editor.setDecorations(this.highlight, here && this.shown ? [this.shown.range] : []);
    }
  }

  /** Locates the cited text. If it has changed, a message says so and the present lines are shown. */
  private async locate(citation: Citation): Promise<Span> {
    try {
      const { state, span } = await this.client.request('citation/locate', { citation });
      if (state === 'changed') {
        void vscode.window.showWarningMessage(
          vscode.l10n.t('The lines of citation {0} have changed since the answer.', citation.number),
        );
      }
      return state === 'missing' ? citation : span;
    } catch (error) {
      // Without the worker the lines can still be shown, but not verified.
      this.log.warn(`Citation ${citation.number} could not be checked: ${String(error)}`);
      return citation;
    }
  }
}

/** The editor column that shows the file, else one that does not cover Anchorage's panels. */
function columnFor(uri: vscode.Uri): vscode.ViewColumn {
  const shown = vscode.window.visibleTextEditors.find(
    (editor) => editor.document.uri.toString() === uri.toString() && editor.viewColumn !== undefined,
  );
  if (shown?.viewColumn) return shown.viewColumn;
  const { activeTabGroup, all } = vscode.window.tabGroups;
  if (!(activeTabGroup.activeTab?.input instanceof vscode.TabInputWebview)) return vscode.ViewColumn.Active;
  const other = all.find(
    (group) => group !== activeTabGroup && !(group.activeTab?.input instanceof vscode.TabInputWebview),
  );
  return other?.viewColumn ?? vscode.ViewColumn.Beside;
}

/** The range of a span's whole lines, clipped to the document. */
export function linesRange(document: vscode.TextDocument, span: { startLine: number; endLine: number }): vscode.Range {
  const first = Math.min(Math.max(span.startLine - 1, 0), document.lineCount - 1);
  const last = Math.min(Math.max(span.endLine - 1, first), document.lineCount - 1);
  return new vscode.Range(new vscode.Position(first, 0), document.lineAt(last).range.end);
}
