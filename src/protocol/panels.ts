/** Messages between the extension host and its panels (postMessage). */
import type {
  Answer,
  AnswerEvent,
  AnswerTiming,
  Citation,
  ContextLedger,
  Explanation,
  IndexStatus,
  RankedSpan,
  Scope,
  Span,
  Summary,
} from './worker';

/** Panel → host. */
export type PanelMessage =
  | { type: 'ready' }
  | { type: 'ask'; question: string; followUp: boolean }
  | { type: 'stop' }
  | { type: 'open'; span: Span; citation?: Citation; preview?: boolean }
  | { type: 'copy'; text: string }
  | { type: 'history'; id: string }
  | { type: 'command'; command: string }
  /** Explain these lines; `fresh` makes the explanation anew. */
  | { type: 'explain'; span: Span; fresh: boolean }
  /** The panel met an error it cannot draw through: give it a new document. */
  | { type: 'reload' };

/** Host → panel. */
export type HostMessage =
  /** `continues`: a follow-up, shown below what is there; otherwise the thread begins anew. */
  | { type: 'answerStarted'; id: string; question: string; scope: Scope; continues?: boolean }
  | { type: 'answerEvent'; id: string; event: AnswerEvent }
  | { type: 'answerDone'; answer: Answer }
  | { type: 'answerFailed'; id: string; message: string; hint?: string; cancelled: boolean }
  | { type: 'answerHistory'; answers: readonly { id: string; question: string }[] }
  | { type: 'spans'; spans: readonly RankedSpan[]; question: string }
  | { type: 'ledger'; ledger: ContextLedger | null; timing?: AnswerTiming; question: string }
  | { type: 'summary'; summary: Summary }
  | { type: 'summaryProgress'; path: string; fraction: number; message: string }
  | { type: 'explanationStarted'; id: string; span: Span; continues?: boolean }
  | { type: 'explanationProgress'; id: string; fraction: number; message: string }
  | { type: 'explanation'; id?: string; explanation: Explanation }
  | { type: 'summaryFailed'; path: string; message: string; hint?: string }
  | { type: 'status'; status: IndexStatus };
