import * as vscode from 'vscode';
import type { HostMessage, IndexStatus, PanelMessage } from '../../protocol';
import type { Conversation } from '../answers/conversation';
import { PanelView, type PanelReceiver } from './panel-view';

/** The thread of questions, answers and explanations. */
export class AnswerView extends PanelView {
  /** Earlier answers, newest first. Shown while the thread is empty. */
  earlier: () => readonly { id: string; question: string }[] = () => [];

  constructor(
    extension: vscode.Uri,
    private readonly conversation: Conversation,
    private readonly indexStatus: () => IndexStatus | undefined,
    private readonly receiver: PanelReceiver,
  ) {
    super(extension, 'answer', vscode.l10n.t('Answer'));
  }

  protected override *replay(): Iterable<HostMessage> {
    const status = this.indexStatus();
    if (status) yield { type: 'status', status };
    yield {
      type: 'answerHistory',
      answers: this.earlier()
        .map(({ id, question }) => ({ id, question }))
        .slice(0, 5),
    };
    yield* this.conversation.replay();
  }

  protected override receive(message: Exclude<PanelMessage, { type: 'ready' | 'reload' }>): void {
    this.receiver(message);
  }
}
