import * as vscode from 'vscode';
import { diskFolders, setting } from '../configuration';
import type { WorkerClient } from '../worker-client';
import { isUntitled, nameOf } from '../editor/document-text';
import { ChangeQueue, isRelevant } from './changes';

/** Milliseconds after the last keystroke until an unsaved text is sent. */
const UNSAVED_DELAY = 350;
/** Maximum number of open files reported to the worker, most recently used first. */
const OPEN_FILES = 50;

/** Reports workspace changes to the worker: file events, saves, unsaved edits, open editors, folders. */
export class WorkspaceWatch implements vscode.Disposable {
  private readonly changes: ChangeQueue;
  private watchers: vscode.Disposable[] = [];
  private readonly unsavedTimers = new Map<string, NodeJS.Timeout>();
  private recent: string[] = [];
  private readonly subscriptions: { dispose(): unknown }[];

  constructor(private readonly client: WorkerClient) {
    this.changes = new ChangeQueue((changes) => client.notify('files/changed', { changes }));
    this.watchFolders();
    this.subscriptions = [
      vscode.workspace.onDidChangeWorkspaceFolders(() => {
        this.watchFolders();
        client.notify('folders/changed', { folders: diskFolders() });
      }),
      vscode.workspace.onDidSaveTextDocument((document) => this.onSaved(document)),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0) this.onEdited(document);
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('anchorage.index.unsavedEdits')) this.onUnsavedSetting();
      }),
      // An untitled document may open with text.
      vscode.workspace.onDidOpenTextDocument((document) => {
        if (isUntitled(document.uri)) this.onEdited(document);
      }),
      vscode.workspace.onDidCloseTextDocument((document) => this.sendUnsaved(document, null)),
      vscode.window.onDidChangeActiveTextEditor((editor) => this.onActive(editor)),
      // A new worker does not know the open files and unsaved edits.
      client.onStarted(() => this.tellAll()),
    ];
    this.onActive(vscode.window.activeTextEditor);
  }

  dispose(): void {
    this.changes.dispose();
    for (const timer of this.unsavedTimers.values()) clearTimeout(timer);
    for (const disposable of [...this.watchers, ...this.subscriptions]) disposable.dispose();
  }

  private watchFolders(): void {
    for (const watcher of this.watchers) watcher.dispose();
    this.watchers = (vscode.workspace.workspaceFolders ?? [])
      .filter((folder) => folder.uri.scheme === 'file')
      .map((folder) => {
        const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(folder, '**/*'));
        watcher.onDidCreate((uri) => this.onDisk(uri, 'created'));
        watcher.onDidChange((uri) => this.onDisk(uri, 'changed'));
        watcher.onDidDelete((uri) => this.onDisk(uri, 'deleted'));
        return watcher;
      });
  }

  private onDisk(uri: vscode.Uri, type: 'created' | 'changed' | 'deleted'): void {
    if (this.client.awake && isRelevant(uri.fsPath)) this.changes.add(uri.fsPath, type);
  }

  private onSaved(document: vscode.TextDocument): void {
    if (!this.concerns(document)) return;
    this.sendUnsaved(document, null);
    // The file watcher reports the save too, but later. A saved file should be found at once.
    if (this.client.awake) this.changes.add(document.uri.fsPath, 'changed', true);
  }

  private onEdited(document: vscode.TextDocument): void {
    if (!this.concerns(document) || !this.client.awake || !isSent(document)) return;
    const key = document.uri.toString();
    clearTimeout(this.unsavedTimers.get(key));
    this.unsavedTimers.set(
      key,
      setTimeout(() => this.sendTyped(document), UNSAVED_DELAY),
    );
  }

  private sendTyped(document: vscode.TextDocument): void {
    const key = document.uri.toString();
    clearTimeout(this.unsavedTimers.get(key));
    this.unsavedTimers.delete(key);
    if (!document.isClosed) this.sendUnsaved(document, document.isDirty ? document.getText() : null);
  }

  /** Sends pending edits and changes at once, before a question. */
  tellNow(): void {
    for (const document of vscode.workspace.textDocuments)
      if (this.unsavedTimers.has(document.uri.toString())) this.sendTyped(document);
    this.changes.flush();
  }

  private sendUnsaved(document: vscode.TextDocument, text: string | null): void {
    if (!this.concerns(document)) return;
    const key = document.uri.toString();
    clearTimeout(this.unsavedTimers.get(key));
    this.unsavedTimers.delete(key);
    if (text !== null && text.length > setting('index.maxFileSizeKB') * 1024) return;
    const language = isUntitled(document.uri) ? { language: document.languageId } : {};
    this.client.notify('files/unsaved', { file: nameOf(document.uri), text, ...language });
  }

  /** Sends all unsaved edits if the setting is switched on. If it is switched off, the files on disk count again. */
  private onUnsavedSetting(): void {
    const counts = setting('index.unsavedEdits');
    for (const document of vscode.workspace.textDocuments)
      if (document.isDirty && !isUntitled(document.uri)) this.sendUnsaved(document, counts ? document.getText() : null);
  }

  private onActive(editor: vscode.TextEditor | undefined): void {
    if (!editor || !this.concerns(editor.document)) return;
    const file = editor.document.uri.fsPath;
    this.recent = [file, ...this.recent.filter((each) => each !== file)].slice(0, OPEN_FILES);
    this.client.notify('files/open', { files: this.openFiles() });
  }

  private tellAll(): void {
    this.client.notify('files/open', { files: this.openFiles() });
    for (const document of vscode.workspace.textDocuments)
      if (document.isDirty && isSent(document)) this.sendUnsaved(document, document.getText());
  }

  private openFiles(): string[] {
    const inTabs = vscode.window.tabGroups.all
      .flatMap((group) => group.tabs)
      .flatMap(({ input }) =>
        input instanceof vscode.TabInputText && input.uri.scheme === 'file' ? [input.uri.fsPath] : [],
      );
    const open = new Set(inTabs);
    return [...new Set([...this.recent.filter((file) => open.has(file)), ...inTabs])].slice(0, OPEN_FILES);
  }

  private concerns(document: vscode.TextDocument): boolean {
    const { uri } = document;
    return isUntitled(uri) || (uri.scheme === 'file' && vscode.workspace.getWorkspaceFolder(uri) !== undefined);
  }
}

/** An untitled document has no saved text that could stand for it. */
const isSent = ({ uri }: vscode.TextDocument): boolean => isUntitled(uri) || setting('index.unsavedEdits');
