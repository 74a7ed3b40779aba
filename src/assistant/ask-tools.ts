import type { AnswerEvent, Scope, Writer } from '../protocol';
import type { WorkspaceMemory } from '../memory';
import type { Search } from '../search';
import type { AssistantLibrary } from './library';
import type { Turn } from './write/quotes';

export interface AskRequest {
  id: string;
  question: string;
  scope: Scope;
  /** Earlier questions and answers of the conversation, oldest first. */
  previous?: readonly Turn[];
}

export interface AskTools {
  library: AssistantLibrary;
  search: Pick<Search, 'rank'>;
  /** Writes the answer in prose. Without it the answer quotes the sources. */
  writer?: Writer;
  /**
   * Reason that the chosen model cannot write ("The model process ended."). It becomes a notice of the quoted answer.
   */
  whyExtractive?: string;
  /** Memories of the workspace: they improve the ranking, and the ledger shows how they represent the workspace. */
  memory?: WorkspaceMemory;
  emit?: (event: AnswerEvent) => void;
  signal?: AbortSignal;
}
