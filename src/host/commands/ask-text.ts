import * as vscode from 'vscode';
import type { Asking } from '../answers/asking';
import { condensed } from '../answers/question-text';
import { ask } from './ask';

/** Asks about a problem that ProblemActions describes. */
export async function askProblem(asking: Asking, question: unknown): Promise<void> {
  if (typeof question === 'string' && question !== '') await ask(asking, { question });
}

/** Lets the user complete a question about the text that is selected in the terminal. */
export async function askTerminal(asking: Asking): Promise<void> {
  const draft = condensed(await terminalSelection());
  if (draft === '') throw new Error(vscode.l10n.t('Select text in the terminal first.'));
  await ask(asking, { draft });
}

/**
 * The text that is selected in the terminal. Extensions get it only through the clipboard, whose text is put back. The
 * command is enabled only while text is selected, so an unchanged clipboard holds that text already.
 */
async function terminalSelection(): Promise<string> {
  const { clipboard } = vscode.env;
  const before = await clipboard.readText();
  await vscode.commands.executeCommand('workbench.action.terminal.copySelection');
  const selected = await clipboard.readText();
  if (selected !== before) await clipboard.writeText(before);
  return selected;
}
