import * as vscode from 'vscode';
import { problemQuestion } from '../answers/question-text';

/** Command of the action. It is not in the command palette. */
export const ASK_PROBLEM = 'anchorage.askProblem';

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
      const title = vscode.l10n.t('Ask Anchorage About This Problem');
      const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
      action.diagnostics = [diagnostic];
      const question = problemQuestion(diagnostic.message, document.getText(diagnostic.range));
      action.command = { command: ASK_PROBLEM, title, arguments: [question] };
      return action;
    });
  }
}
