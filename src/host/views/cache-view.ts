import * as vscode from 'vscode';
import type { AnswerTiming, ContextLedger, HostMessage, IndexStatus, PanelMessage } from '../../protocol';
import { PanelView, type PanelReceiver } from './panel-view';

/** The Cache panel: the context of the last question. */
export class CacheView extends PanelView {
  private last: HostMessage = { type: 'ledger', ledger: null, question: '' };

  constructor(
    extension: vscode.Uri,
    private readonly indexStatus: () => IndexStatus | undefined,
    private readonly receiver: PanelReceiver,
  ) {
    super(extension, 'cache', vscode.l10n.t('Cache'));
  }

  show(ledger: ContextLedger, question: string, timing?: AnswerTiming): void {
    this.last = timing ? { type: 'ledger', ledger, question, timing } : { type: 'ledger', ledger, question };
    this.post(this.last);
  }

  protected override replay(): Iterable<HostMessage> {
    const status = this.indexStatus();
    return [...(status ? [{ type: 'status', status } as const] : []), this.last];
  }

  protected override receive(message: Exclude<PanelMessage, { type: 'ready' | 'reload' }>): void {
    this.receiver(message);
  }
}
