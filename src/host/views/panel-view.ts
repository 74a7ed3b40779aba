import * as vscode from 'vscode';
import type { HostMessage, PanelMessage } from '../../protocol';
import { panelHtml, panelRoots, type PanelName } from './panel-html';

/**
 * A webview in a view container. The panel says `ready` when it can listen; only then is it sent what it must show, and
 * again whenever it was hidden and made anew. It keeps nothing of importance itself.
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

  /** Sends nothing to a panel that is not shown: it asks for everything when it is. */
  post(message: HostMessage): void {
    if (this.ready) void this.view?.webview.postMessage(message);
  }

  /** Shows the view; with `preserveFocus` the cursor stays in the editor if the view has been shown before. */
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

/** Handles the messages of a panel. Given to each view once the services exist. */
export type PanelReceiver = (message: Exclude<PanelMessage, { type: 'ready' | 'reload' }>) => void;
