import * as vscode from 'vscode';
import type { HostMessage, PanelMessage, RankedSpan } from '../../protocol';
import { PanelView, type PanelReceiver } from './panel-view';

/** Maximum number of shown spans. */
const LIMIT = 60;

/** The Spans panel: the results of the last question, best first, with the reasons. */
export class SpansView extends PanelView {
  private last: HostMessage = { type: 'spans', spans: [], question: '' };

  constructor(
    extension: vscode.Uri,
    private readonly receiver: PanelReceiver,
  ) {
    super(extension, 'spans', vscode.l10n.t('Spans'));
  }

  show(spans: readonly RankedSpan[], question: string): void {
    this.last = { type: 'spans', spans: spans.slice(0, LIMIT), question };
    this.post(this.last);
  }

  protected override replay(): Iterable<HostMessage> {
    return [this.last];
  }

  protected override receive(message: Exclude<PanelMessage, { type: 'ready' | 'reload' }>): void {
    this.receiver(message);
  }
}
