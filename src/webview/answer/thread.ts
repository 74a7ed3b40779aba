import type { Answer, AnswerEvent, Citation, Coverage, Explanation, HostMessage, Scope, Span } from '../../protocol';

/** One turn of the thread, as displayed. */
export interface Turn {
  id: string;
  kind: 'answer' | 'explanation';
  title: string;
  scope?: Scope;
  span?: Span;
  state: 'pending' | 'done' | 'failed' | 'stopped';
  phase?: 'retrieving' | 'loading' | 'reading' | 'writing' | undefined;
  /** Progress (0…1) of an explanation. */
  progress?: { fraction: number; message: string };
  found?: number | undefined;
  /** Tokens that the model has read, of those that it must read. */
  reading?: { read: number; total: number } | undefined;
  markdown: string;
  /** Streamed prose, which stands above `markdown`; a finished answer has it in `markdown`. */
  prose?: string | undefined;
  citations: readonly Citation[];
  coverage?: Coverage;
  answer?: Answer;
  explanation?: Explanation;
  failure?: { message: string; hint?: string };
}

/** Applies a message to the thread. Messages for unknown turns change nothing. */
export function reduceThread(turns: readonly Turn[], message: HostMessage): readonly Turn[] {
  switch (message.type) {
    case 'answerStarted':
      return begin(
        turns,
        { ...empty(message.id, 'answer', message.question), scope: message.scope },
        message.continues,
      );
    case 'explanationStarted':
      return begin(turns, { ...empty(message.id, 'explanation', ''), span: message.span }, message.continues);
    case 'answerEvent':
      return change(turns, message.id, (turn) => (turn.state === 'pending' ? applyEvent(turn, message.event) : turn));
    case 'explanationProgress':
      return change(turns, message.id, (turn) => ({
        ...turn,
        progress: { fraction: Math.max(turn.progress?.fraction ?? 0, message.fraction), message: message.message },
      }));
    case 'answerDone': {
      const { answer } = message;
      return change(turns, answer.id, (turn) => ({
        ...turn,
        state: 'done',
        phase: undefined,
        found: undefined,
        reading: undefined,
        prose: undefined,
        markdown: answer.markdown,
        citations: answer.citations,
        coverage: answer.coverage,
        answer,
      }));
    }
    case 'explanation': {
      const { explanation, id } = message;
      return id === undefined
        ? turns
        : change(turns, id, (turn) => ({
            ...turn,
            state: 'done',
            title: explanation.title,
            markdown: explanation.markdown,
            citations: explanation.citations,
            explanation,
          }));
    }
    case 'answerFailed':
      return change(turns, message.id, (turn) => ({
        ...turn,
        state: message.cancelled ? 'stopped' : 'failed',
        failure:
          message.hint === undefined ? { message: message.message } : { message: message.message, hint: message.hint },
      }));
    default:
      return turns;
  }
}

function empty(id: string, kind: Turn['kind'], title: string): Turn {
  return { id, kind, title, state: 'pending', markdown: '', citations: [] };
}

function begin(turns: readonly Turn[], turn: Turn, continues = false): readonly Turn[] {
  return continues ? [...turns, turn] : [turn];
}

function change(turns: readonly Turn[], id: string, apply: (turn: Turn) => Turn): readonly Turn[] {
  return turns.map((turn) => (turn.id === id ? apply(turn) : turn));
}

function applyEvent(turn: Turn, event: AnswerEvent): Turn {
  switch (event.type) {
    case 'phase':
      return { ...turn, phase: event.phase };
    case 'spans':
      return { ...turn, found: event.spans.length, coverage: event.coverage };
    case 'reading':
      return { ...turn, reading: { read: event.read, total: event.total } };
    case 'delta':
      return { ...turn, markdown: turn.markdown + event.markdown };
    case 'prose':
      return { ...turn, prose: (turn.prose ?? '') + event.markdown };
    case 'citation':
      return {
        ...turn,
        citations: [...turn.citations.filter(({ number }) => number !== event.citation.number), event.citation],
      };
    case 'ledger':
      return turn;
  }
}

/** The text of a turn in the order in which it is shown. */
export function shownText({ prose, markdown }: Pick<Turn, 'prose' | 'markdown'>): string {
  return prose ? `${prose}\n\n${markdown}` : markdown;
}

/** The text of a turn in the order in which it arrives: the quotes, then the prose above them. */
export function heardText({ answer, prose = answer?.prose, markdown }: Turn): string {
  if (!prose) return markdown;
  const quotes = answer?.prose === undefined ? markdown : markdown.slice(answer.prose.length).trimStart();
  return `${quotes}\n\n${prose}`;
}

/**
 * The next screen reader announcement of a streamed text: finished paragraphs only.
 * @returns the part of `text` after `told` characters up to the end of a paragraph, or all the rest if `done`
 */
export function announcement(text: string, told: number, done: boolean): string {
  const rest = text.slice(told);
  if (done) return rest;
  const end = rest.lastIndexOf('\n\n');
  return end < 0 ? '' : rest.slice(0, end + 2);
}
