import * as vscode from 'vscode';
import { problemQuestion } from '../answers/question-text';

/** Command of the action. It is not in the command palette. */
export const ASK_PROBLEM = 'anchorage.askProblem';

/** Characters of a message that tell problems of one place apart in the menu. */
const MOST_TITLE = 48;

/** Offers to ask about each problem, in its hover and in the menu of quick fixes. */
export class ProblemActions implements vscode.CodeActionProvider {
  static readonly metadata: vscode.CodeActionProviderMetadata = {
    providedCodeActionKinds: [vscode.CodeActionKind.QuickFix],
  };

  provideCodeActions(
    document: vscode.TextDocument,
    _range: vscode.Range,
    { diagnostics }: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    return diagnostics.map((diagnostic) => {
      const question = problemQuestion(diagnostic.message, document.getText(diagnostic.range));
      const title =
        diagnostics.length === 1
          ? vscode.l10n.t('Ask Anchorage About This Problem')
          : vscode.l10n.t('Ask Anchorage About “{0}”', cut(question));
      const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
      action.diagnostics = [diagnostic];
      action.command = { command: ASK_PROBLEM, title, arguments: [question] };
      return action;
    });
  }
}

function cut(text: string): string {
  return text.length <= MOST_TITLE ? text : `${text.slice(0, MOST_TITLE).trimEnd()}…`;
}
