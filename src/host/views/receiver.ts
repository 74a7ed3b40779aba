import * as vscode from 'vscode';
import type { Asking } from '../answers/asking';
import { droppedReferences, pickReference } from '../answers/references';
import { showFailure } from '../failures';
import type { Services } from '../services';
import type { PanelReceiver } from './panel-view';

/** Commands that a panel may run. A panel shows workspace text, so it may not run others. */
const ALLOWED = new Set([
  'anchorage.ask',
  'anchorage.showStatus',
  'anchorage.showLog',
  'anchorage.answerHistory',
  'anchorage.showCache',
  'anchorage.restartWorker',
  'anchorage.resumeIndexing',
  'anchorage.openAnswer',
  'anchorage.chooseModel',
]);

/** Runs the actions of the panels. */
export function createReceiver(services: () => { services: Services; asking: Asking }): PanelReceiver {
  return (message) => {
    const { services: all, asking } = services();
    const shown = (work: PromiseLike<unknown>): void =>
      void work.then(undefined, (error: unknown) => showFailure(error, all.log));
    switch (message.type) {
      case 'ask':
        return shown(
          asking.ask(
            message.question,
            message.followUp ? all.conversation.latestScope() : { kind: 'workspace' },
            message.followUp,
          ),
        );
      case 'typing':
        return asking.prepareFor(message.question, message.followUp);
      case 'stop':
        return asking.stop();
      case 'open':
        return shown(
          all.opener.open(message.span, {
            preserveFocus: message.preview ?? false,
            ...(message.citation ? { citation: message.citation } : {}),
          }),
        );
      case 'explain':
        return shown(asking.explain(message.span, { fresh: message.fresh, followUp: true }));
      case 'copy':
        return shown(
          vscode.env.clipboard
            .writeText(message.text)
            .then(() => vscode.window.setStatusBarMessage(vscode.l10n.t('Copied'), 2_000)),
        );
      case 'reference':
        return shown(
          pickReference().then(async (text) => {
            if (text !== undefined) all.answerView.post({ type: 'reference', text });
            await all.answerView.reveal(false);
          }),
        );
      case 'dropped': {
        const text = droppedReferences(message.uris);
        if (text !== '') all.answerView.post({ type: 'reference', text });
        else void vscode.window.showInformationMessage(vscode.l10n.t('Only files of this workspace can be named.'));
        return;
      }
      case 'history':
        return shown(vscode.commands.executeCommand('anchorage.openAnswer', message.id));
      case 'command':
        if (ALLOWED.has(message.command)) shown(vscode.commands.executeCommand(message.command));
        else all.log.warn(`A panel requested the command ${message.command}. Panels may not run it.`);
        return;
    }
  };
}
