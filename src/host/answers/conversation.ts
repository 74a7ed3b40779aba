import type { Answer, AnswerEvent, HostMessage, Scope, Span } from '../../protocol';

type Of<T extends HostMessage['type']> = Extract<HostMessage, { type: T }>;

/** One turn of the thread: its start message, the events since, and its end message. */
export interface Turn {
  id: string;
  title: string;
  start: Of<'answerStarted'> | Of<'explanationStarted'>;
  /** Events streamed so far. Deltas are joined into one. */
  events: AnswerEvent[];
  end?: Of<'answerDone'> | Of<'answerFailed'> | Of<'explanation'>;
}

/**
 * The thread that the answer panel shows. The host keeps it, so that a hidden or reloaded panel is drawn again from the
 * same messages in the same order.
 */
export class Conversation {
  private turns: Turn[] = [];

  startAnswer(id: string, question: string, scope: Scope, continues: boolean): HostMessage {
    const start: Of<'answerStarted'> = { type: 'answerStarted', id, question, scope, continues };
    return this.begin({ id, title: question, start, events: [] }, continues);
  }

  startExplanation(id: string, span: Span, continues: boolean): HostMessage {
    const start: Of<'explanationStarted'> = { type: 'explanationStarted', id, span, continues };
    return this.begin({ id, title: span.path, start, events: [] }, continues);
  }

  /** Starts a thread with the finished answers of an earlier one. */
  restore(answers: readonly Answer[]): HostMessage[] {
    return answers.flatMap((answer, i) => [
      this.startAnswer(answer.id, answer.question, answer.scope, i > 0),
      ...this.finish({ type: 'answerDone', answer }, answer.id),
    ]);
  }

  /** The finished answers of the thread, oldest first. */
  answers(): Answer[] {
    return this.turns.flatMap(({ end }) => (end?.type === 'answerDone' ? [end.answer] : []));
  }

  /** @returns the message for the panel; empty if the turn is no longer in the thread */
  event(id: string, event: AnswerEvent): HostMessage[] {
    const turn = this.find(id);
    if (!turn || turn.end) return [];
    const last = turn.events.at(-1);
    if ((event.type === 'delta' || event.type === 'prose') && last?.type === event.type)
      turn.events[turn.events.length - 1] = { ...event, markdown: last.markdown + event.markdown };
    else if (event.type === 'reading' && last?.type === 'reading') turn.events[turn.events.length - 1] = event;
    else turn.events.push(event);
    return [{ type: 'answerEvent', id, event }];
  }

  finish(end: NonNullable<Turn['end']>, id: string): HostMessage[] {
    const turn = this.find(id);
    if (!turn) return [];
    turn.end = end;
    // A finished answer includes its events. After a stop, only the events remain.
    if (end.type !== 'answerFailed') turn.events = [];
    return [end];
  }

  /** All messages that a new panel needs to show the thread. */
  replay(): HostMessage[] {
    return this.turns.flatMap((turn) => [
      turn.start,
      ...turn.events.map((event): HostMessage => ({ type: 'answerEvent', id: turn.id, event })),
      ...(turn.end ? [turn.end] : []),
    ]);
  }

  /** The latest questions and answers of the thread, oldest first, for a follow-up. */
  previous(limit: number): { question: string; answer: string }[] {
    return this.answers()
      .map(({ question, prose, markdown }) => ({ question, answer: prose ?? markdown }))
      .slice(-limit);
  }

  latestAnswer(): Answer | undefined {
    return this.answers().at(-1);
  }

  /** The scope of the last question. A follow-up shares it. */
  latestScope(): Scope {
    const start = this.turns.findLast((turn) => turn.start.type === 'answerStarted')?.start;
    return start?.type === 'answerStarted' ? start.scope : { kind: 'workspace' };
  }

  get isEmpty(): boolean {
    return this.turns.length === 0;
  }

  private begin(turn: Turn, continues: boolean): HostMessage {
    this.turns = continues ? [...this.turns, turn] : [turn];
    return turn.start;
  }

  private find(id: string): Turn | undefined {
    return this.turns.find((turn) => turn.id === id);
  }
}
