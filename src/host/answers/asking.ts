import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { Answer, AnswerEvent, HostMessage, Scope, Span } from '../../protocol';
import { describe } from '../failures';
import type { WorkspaceWatch } from '../files/workspace-watch';
import { RequestFailed } from '../request-failed';
import { setContext, type Services } from '../services';
import type { AnswerHistory } from './history';
import { QUESTION_PATIENCE, waitForIndex } from './index-wait';
import { resolveReferences } from './references';

/** Maximum number of earlier turns sent with a follow-up. */
const PREVIOUS_TURNS = 4;
/** Fewer characters do not tell what a question is about. */
const LEAST_TYPED = 12;

/** Runs questions and explanations, one at a time. Results stream into the panels. The next question stops the last. */
export class Asking implements vscode.Disposable {
  private preparing: vscode.CancellationTokenSource | undefined;
  private running: { id: string; question: string; cancellation: vscode.CancellationTokenSource } | undefined;
  private readonly subscriptions: { dispose(): unknown }[];

  constructor(
    private readonly services: Services,
    private readonly history: AnswerHistory,
    private readonly watch: WorkspaceWatch,
  ) {
    this.subscriptions = [
      services.client.on('answer/event', ({ id, event }) => this.onEvent(id, event)),
      services.client.on('work/progress', ({ id, fraction, message }) => {
        if (this.running?.id === id) services.answerView.post({ type: 'explanationProgress', id, fraction, message });
      }),
    ];
  }

  /** @returns the answer, or undefined if it failed or was stopped (the panel shows this) */
  async ask(question: string, scope: Scope, followUp: boolean): Promise<Answer | undefined> {
    const { conversation, answerView, client, cacheView, spansView } = this.services;
    const previous = followUp ? conversation.previous(PREVIOUS_TURNS) : [];
    const asked = Date.now();
    return this.run(question, async (id, token) => {
      const named = await resolveReferences(question, scope);
      answerView.post(conversation.startAnswer(id, question, named.scope, followUp));
      await answerView.reveal();
      await this.prepare();
      await waitForIndex(client, token, QUESTION_PATIENCE);
      const found = await client.request('ask', { id, ...named, previous, asked }, token);
      const answer = { ...found, question };
      const messages = conversation.finish({ type: 'answerDone', answer }, id);
      this.post(messages);
      if (messages.length > 0) {
        spansView.show(answer.spans, answer.question);
        cacheView.show(answer.ledger, answer.question, answer.timing);
      }
      this.history
        .add(messages.length > 0 ? conversation.answers() : [answer])
        .catch((error: unknown) => this.services.log.warn(`History: ${String(error)}`));
      return answer;
    });
  }

  /** Lets the worker read ahead for a question that is being typed. The next call, or an answer, ends it. */
  prepareFor(question: string, followUp: boolean): void {
    this.preparing?.cancel();
    if (this.running || question.trim().length < LEAST_TYPED) return;
    const { conversation, client } = this.services;
    const preparing = new vscode.CancellationTokenSource();
    this.preparing = preparing;
    const scope: Scope = followUp ? conversation.latestScope() : { kind: 'workspace' };
    const previous = followUp ? conversation.previous(PREVIOUS_TURNS) : [];
    client
      .request('prepare', { id: randomUUID(), question, scope, previous }, preparing.token)
      .catch(() => {})
      .finally(() => preparing.dispose());
  }

  async explain(span: Span, options: { fresh?: boolean; followUp?: boolean } = {}): Promise<void> {
    const { conversation, answerView, client } = this.services;
    await this.run(span.path, async (id, token) => {
      answerView.post(conversation.startExplanation(id, span, options.followUp ?? false));
      await answerView.reveal();
      await this.prepare();
      const { file, startLine, endLine } = span;
      const explanation = await client.request(
        'explain',
        { id, file, startLine, endLine, fresh: options.fresh ?? false },
        token,
      );
      this.post(conversation.finish({ type: 'explanation', id, explanation }, id));
      return explanation;
    });
  }

  stop(): void {
    this.running?.cancellation.cancel();
  }

  dispose(): void {
    this.stop();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  /**
   * Prepares the worker for a question: sends pending edits and saves, and allows indexing. In Restricted Mode, and
   * after the index is cleared, indexing starts with the user's question.
   */
  async prepare(): Promise<void> {
    this.watch.tellNow();
    await this.services.client.request('index/start', null);
  }

  private async run<R>(
    question: string,
    work: (id: string, token: vscode.CancellationToken) => Promise<R>,
  ): Promise<R | undefined> {
    this.stop();
    this.preparing?.cancel();
    const id = randomUUID();
    const cancellation = new vscode.CancellationTokenSource();
    this.running = { id, question, cancellation };
    setContext('answering', true);
    try {
      return await work(id, cancellation.token);
    } catch (error) {
      const cancelled =
        cancellation.token.isCancellationRequested || (error instanceof RequestFailed && error.code === 'cancelled');
      if (!cancelled) this.services.log.error(error instanceof Error ? error : String(error));
      this.post(this.services.conversation.finish({ type: 'answerFailed', id, cancelled, ...describe(error) }, id));
      return undefined;
    } finally {
      cancellation.dispose();
      if (this.running?.id === id) {
        this.running = undefined;
        setContext('answering', false);
        setContext('hasAnswer', this.services.conversation.latestAnswer() !== undefined);
      }
    }
  }

  private onEvent(id: string, event: AnswerEvent): void {
    if (this.running?.id !== id) return;
    const messages = this.services.conversation.event(id, event);
    // The user may have opened an earlier answer in the meantime. Its spans and context stay.
    if (messages.length === 0) return;
    this.post(messages);
    if (event.type === 'spans') this.services.spansView.show(event.spans, this.running.question);
    if (event.type === 'ledger') this.services.cacheView.show(event.ledger, this.running.question);
  }

  private post(messages: readonly HostMessage[]): void {
    for (const message of messages) this.services.answerView.post(message);
  }
}
