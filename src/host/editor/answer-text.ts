import * as vscode from 'vscode';
import type { Answer } from '../../protocol';
import { answerDocument } from '../answers/answer-document';
import { commandUri } from '../markdown';

/** Scheme of a conversation as a read-only document. The path ends with its first question, the query is its id. */
const SCHEME = 'anchorage-answer';
/** Longest name of a tab. */
const TITLE_LENGTH = 60;

type Load = (id: string) => Promise<readonly Answer[]>;

/** Shows conversations as read-only Markdown whose citations open the cited lines with `command`. */
export class AnswerText implements vscode.TextDocumentContentProvider, vscode.DocumentLinkProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly registrations: readonly vscode.Disposable[];

  constructor(
    private readonly load: Load,
    private readonly command: string,
  ) {
    this.registrations = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.languages.registerDocumentLinkProvider({ scheme: SCHEME }, this),
    ];
  }

  async open(answers: readonly Answer[]): Promise<vscode.TextEditor | undefined> {
    const [first] = answers;
    if (!first) return undefined;
    const title = first.question
      .replace(/[\\/:*?"<>|\s]+/g, ' ')
      .trim()
      .slice(0, TITLE_LENGTH);
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${title}.md`, query: first.id });
    // A follow-up has added to the conversation.
    const isOpen = vscode.workspace.textDocuments.some((document) => document.uri.toString() === uri.toString());
    if (isOpen) this.changed.fire(uri);
    return vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: false });
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const answers = await this.load(uri.query);
    return answers.length > 0 ? answerDocument(answers).text : vscode.l10n.t('This answer is no longer available.');
  }

  async provideDocumentLinks(document: vscode.TextDocument): Promise<vscode.DocumentLink[]> {
    const { text, links } = answerDocument(await this.load(document.uri.query));
    // The conversation has gone on since.
    if (text !== document.getText()) return [];
    return links.map(({ start, end, citation }) => {
      const range = new vscode.Range(document.positionAt(start), document.positionAt(end));
      const link = new vscode.DocumentLink(range, vscode.Uri.parse(commandUri(this.command, citation)));
      link.tooltip = citation.path;
      return link;
    });
  }

  dispose(): void {
    for (const each of this.registrations) each.dispose();
    this.changed.dispose();
  }
}
