/** Messages between the extension host and its panels (postMessage). */
import type {
  Answer,
  AnswerEvent,
  AnswerTiming,
  Citation,
  ContextLedger,
  Explanation,
  RankedSpan,
  Scope,
  Span,
  Summary,
} from './answers';
import type { IndexStatus } from './index-status';

/** Panel → host. */
export type PanelMessage =
  | { type: 'ready' }
  | { type: 'ask'; question: string; followUp: boolean }
  /** A question is being typed, and the user has paused. */
  | { type: 'typing'; question: string; followUp: boolean }
  | { type: 'stop' }
  | { type: 'open'; span: Span; citation?: Citation; preview?: boolean }
  | { type: 'copy'; text: string }
  /** Pick a file or folder to name in the question. */
  | { type: 'reference' }
  /** Files and folders were dropped on the panel: name them in the question. */
  | { type: 'dropped'; uris: readonly string[] }
  | { type: 'history'; id: string }
  | { type: 'command'; command: string }
  /** Explain these lines; `fresh` ignores the cache. */
  | { type: 'explain'; span: Span; fresh: boolean }
  /** The panel cannot continue after an error and needs a new document. */
  | { type: 'reload' };

/** Host → panel. */
export type HostMessage =
  /** `continues`: a follow-up, shown below the thread; otherwise a new thread begins. */
  | { type: 'answerStarted'; id: string; question: string; scope: Scope; continues?: boolean }
  | { type: 'answerEvent'; id: string; event: AnswerEvent }
  | { type: 'answerDone'; answer: Answer }
  | { type: 'answerFailed'; id: string; message: string; hint?: string; cancelled: boolean }
  | { type: 'reference'; text: string }
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
