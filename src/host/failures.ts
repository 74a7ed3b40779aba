import * as vscode from 'vscode';
import { AppError } from '../base';
import { RequestFailed } from './request-failed';

/**
 * Shows why something failed and what to do, with a button that opens the log. A cancelled request is ignored.
 */
export function showFailure(error: unknown, log: vscode.LogOutputChannel): void {
  if (error instanceof RequestFailed && error.code === 'cancelled') return;
  log.error(error instanceof Error ? error : String(error));
  const { message, hint } = describe(error);
  const showLog = vscode.l10n.t('Show Log');
  void vscode.window.showErrorMessage(hint ? `${message} ${hint}` : message, showLog).then((choice) => {
    if (choice === showLog) log.show();
  });
}

export function describe(error: unknown): { message: string; hint?: string } {
  if (error instanceof AppError)
    return error.hint === undefined ? { message: error.message } : { message: error.message, hint: error.hint };
  return { message: error instanceof Error ? error.message : String(error) };
}

/** Wraps the work of a command so that its failure is shown. */
export function guarded<A extends unknown[]>(
  log: vscode.LogOutputChannel,
  work: (...args: A) => Promise<unknown>,
): (...args: A) => Promise<void> {
  return async (...args) => {
    try {
      await work(...args);
    } catch (error) {
      showFailure(error, log);
    }
  };
}
