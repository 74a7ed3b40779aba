import * as vscode from 'vscode';
import type { HostMessage, PanelMessage } from '../../protocol';
import { panelHtml, panelRoots, type PanelName } from './panel-html';

/**
 * A webview in a view container. The panel sends `ready` when it can receive messages, also after it was hidden. The
 * host then sends its whole content, so the panel itself keeps no state.
 */
export abstract class PanelView implements vscode.WebviewViewProvider, vscode.Disposable {
  private view: vscode.WebviewView | undefined;
  private ready = false;
  private readonly registration: vscode.Disposable;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly panel: PanelName,
    private readonly title: string,
  ) {
    this.registration = vscode.window.registerWebviewViewProvider(this.viewId, this);
  }

  get viewId(): string {
    return `anchorage.${this.panel}`;
  }

  get visible(): boolean {
    return this.view?.visible ?? false;
  }

  /** Sends a message if the panel is shown. A hidden panel requests its whole content when it is shown. */
  post(message: HostMessage): void {
    if (this.ready) void this.view?.webview.postMessage(message);
  }

  /** Shows the view. With `preserveFocus` the focus stays in the editor if the view was shown before. */
  async reveal(preserveFocus = true): Promise<void> {
    if (this.view && preserveFocus) this.view.show(true);
    else await vscode.commands.executeCommand(`${this.viewId}.focus`);
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    view.webview.options = { enableScripts: true, localResourceRoots: panelRoots(this.extension) };
    view.webview.onDidReceiveMessage((message: PanelMessage) => this.onMessage(message));
    view.onDidDispose(() => {
      this.ready = false;
      this.view = undefined;
    });
    this.load();
  }

  dispose(): void {
    this.registration.dispose();
  }

  protected abstract replay(): Iterable<HostMessage>;
  protected abstract receive(message: PanelMessage): void;

  private load(): void {
    this.ready = false;
    if (this.view) this.view.webview.html = panelHtml(this.view.webview, this.extension, this.panel, this.title);
  }

  private onMessage(message: PanelMessage): void {
    if (message.type === 'ready') {
      this.ready = true;
      for (const part of this.replay()) this.post(part);
    } else if (message.type === 'reload') {
      this.load();
    } else {
      this.receive(message);
    }
  }
}

/** Handles the messages of a panel. Each view gets it once the services exist. */
export type PanelReceiver = (message: Exclude<PanelMessage, { type: 'ready' | 'reload' }>) => void;
