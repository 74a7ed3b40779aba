import { randomUUID } from 'node:crypto';
import path from 'node:path';
import * as vscode from 'vscode';
import type { HostMessage, PanelMessage, Summary } from '../../protocol';
import { describe } from '../failures';
import { RequestFailed } from '../request-failed';
import type { WorkerClient } from '../worker-client';
import { uriOf } from '../editor/document-text';
import { languageName } from './language-name';
import { panelHtml, panelRoots } from './panel-html';
import type { PanelReceiver } from './panel-view';

const VIEW_TYPE = 'anchorage.summary';

/** Shows summaries, each in an editor tab beside its file. For a restored tab the file is summarized again. */
export class SummaryPanels implements vscode.WebviewPanelSerializer<{ file?: string }>, vscode.Disposable {
  private readonly open = new Map<string, SummaryPanel>();
  private readonly registration: vscode.Disposable;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly client: WorkerClient,
    private readonly receiver: PanelReceiver,
  ) {
    this.registration = vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, this);
  }

  /** Shows the summary of a file in its panel, or in a new one. */
  async show(file: string): Promise<void> {
    const present = this.open.get(file);
    if (present) {
      present.panel.reveal();
      if (!present.running) await present.load();
      return;
    }
    const panel = vscode.window.createWebviewPanel(
      VIEW_TYPE,
      titleOf(file),
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: false },
      {
        enableScripts: true,
        enableFindWidget: true,
        localResourceRoots: panelRoots(this.context.extensionUri),
      },
    );
    await this.adopt(panel, file).load();
  }

  async deserializeWebviewPanel(panel: vscode.WebviewPanel, state: { file?: string } | undefined): Promise<void> {
    const file = state?.file;
    if (!file) {
      panel.dispose();
      return;
    }
    panel.webview.options = { enableScripts: true, localResourceRoots: panelRoots(this.context.extensionUri) };
    await this.adopt(panel, file).load();
  }

  dispose(): void {
    this.registration.dispose();
    for (const { panel } of this.open.values()) panel.dispose();
  }

  private adopt(panel: vscode.WebviewPanel, file: string): SummaryPanel {
    const summary = new SummaryPanel(panel, file, this.context.extensionUri, this.client, this.receiver);
    this.open.set(file, summary);
    panel.onDidDispose(() => {
      summary.stop();
      this.open.delete(file);
    });
    return summary;
  }
}

class SummaryPanel {
  running: vscode.CancellationTokenSource | undefined;
  private ready = false;
  private last: HostMessage;

  constructor(
    readonly panel: vscode.WebviewPanel,
    private readonly file: string,
    private readonly extension: vscode.Uri,
    private readonly client: WorkerClient,
    private readonly receiver: PanelReceiver,
  ) {
    this.last = { type: 'summaryProgress', path: file, fraction: 0, message: '' };
    panel.iconPath = new vscode.ThemeIcon('list-tree');
    panel.webview.onDidReceiveMessage((message: PanelMessage) => this.onMessage(message));
    this.draw();
  }

  async load(): Promise<void> {
    this.stop();
    const cancellation = (this.running = new vscode.CancellationTokenSource());
    const id = randomUUID();
    const progress = this.client.on('work/progress', (work) => {
      if (work.id === id)
        this.post({ type: 'summaryProgress', path: this.file, fraction: work.fraction, message: work.message });
    });
    this.post({ type: 'summaryProgress', path: this.file, fraction: 0, message: '' });
    try {
      const summary: Summary = await this.client.request('summarize', { id, file: this.file }, cancellation.token);
      this.post({
        type: 'summary',
        summary: { ...summary, language: languageName(summary.language, vscode.extensions.all) },
      });
    } catch (error) {
      const cancelled = error instanceof RequestFailed && error.code === 'cancelled';
      const failure = cancelled ? { message: vscode.l10n.t('Stopped.') } : describe(error);
      this.post({ type: 'summaryFailed', path: this.file, ...failure });
    } finally {
      progress.dispose();
      cancellation.dispose();
      if (this.running === cancellation) this.running = undefined;
    }
  }

  stop(): void {
    this.running?.cancel();
    this.running = undefined;
  }

  private draw(): void {
    this.ready = false;
    this.panel.webview.html = panelHtml(this.panel.webview, this.extension, 'summary', titleOf(this.file));
  }

  private post(message: HostMessage): void {
    this.last = message;
    if (this.ready) void this.panel.webview.postMessage(message);
  }

  private onMessage(message: PanelMessage): void {
    if (message.type === 'ready') {
      this.ready = true;
      this.post(this.last);
    } else if (message.type === 'reload') {
      this.draw();
    } else if (message.type === 'stop') {
      this.stop();
    } else if (message.type === 'command' && message.command === 'anchorage.summarizeFile') {
      void this.load();
    } else {
      this.receiver(message);
    }
  }
}

function titleOf(file: string): string {
  return vscode.l10n.t('Summary: {0}', path.basename(uriOf(file).path));
}
