import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import * as vscode from 'vscode';
import { formatNumber } from '../../base';
import { RequestFailed } from '../request-failed';
import type { WorkerClient } from '../worker-client';
import { localModel } from './local-model';

const FACTORS = [2, 4, 8];

/**
 * Extends the window of the chosen model: a search for rotary factors on the workspace's text, with progress. A search
 * that the user cancels is resumed by the next one. The model is loaded again with what was found.
 *
 * @param prepare allows indexing, whose text the search reads
 */
export async function extendModelWindow(
  client: Pick<WorkerClient, 'request' | 'restart' | 'on'>,
  prepare: () => Promise<void>,
): Promise<void> {
  const model = await localModel(
    vscode.l10n.t('The window of a model on this machine can be extended. Choose one first.'),
  );
  if (model === undefined) return;
  const name = basename(model);
  const picked = await vscode.window.showQuickPick(
    FACTORS.map((factor) => ({ factor, label: vscode.l10n.t('{0} times the trained window', factor) })),
    {
      title: vscode.l10n.t('Extend the Window of {0}', name),
      placeHolder: vscode.l10n.t('Reads your files some hundred times, which takes hours with a large model'),
    },
  );
  if (!picked) return;
  const title = vscode.l10n.t('Extending the window of {0}', name);
  const location = vscode.ProgressLocation.Notification;
  const extended = await vscode.window.withProgress({ location, title, cancellable: true }, async (progress, token) => {
    await prepare();
    const id = randomUUID();
    let shown = 0;
    const listening = client.on('work/progress', ({ id: of, fraction, message }) => {
      if (of !== id) return;
      progress.report({ message, increment: 100 * (fraction - shown) });
      shown = fraction;
    });
    try {
      return await client.request('model/extendWindow', { id, factor: picked.factor }, token);
    } catch (error) {
      if (!(error instanceof RequestFailed && error.code === 'cancelled')) throw error;
      return undefined;
    } finally {
      listening.dispose();
    }
  });
  if (!extended) {
    const stopped = vscode.l10n.t('The search was stopped. Run the command again to resume it.');
    void vscode.window.showInformationMessage(stopped);
    return;
  }
  if (!extended.isUsed) {
    const unused = vscode.l10n.t(
      '{0} reads long texts better without the factors that were found. They are stored, and it runs without them.',
      name,
    );
    void vscode.window.showInformationMessage(unused);
    return;
  }
  await client.restart();
  const window = formatNumber(extended.window);
  void vscode.window.showInformationMessage(vscode.l10n.t('{0} now reads {1} tokens at once.', name, window));
}
