import type { AnswerEvent, Scope, Writer } from '../protocol';
import type { WorkspaceMemory } from '../memory';
import type { Search } from '../search';
import type { CommitHistory } from './history/changes';
import type { AssistantLibrary } from './library';
import type { Turn } from './write/prompt';

export interface AskRequest {
  id: string;
  question: string;
  scope: Scope;
  /** Earlier questions and answers of the conversation, oldest first. */
  previous?: readonly Turn[];
  /** When the user asked (milliseconds since 1970). Times are counted from then; default: from the call. */
  asked?: number;
}

/** The model that writes, or why a model that should be in use is not. */
export interface WriterState {
  writer?: Writer;
  why?: string;
}

export interface AskTools {
  library: AssistantLibrary;
  search: Pick<Search, 'rank'> & Partial<Pick<Search, 'sites' | 'listing'>>;
  /**
   * Waits for the model that writes prose above the quotes. Absent where none is chosen. The quotes do not wait for it.
   */
  writer?: (() => Promise<WriterState>) | undefined;
  /** Memories of the workspace: they improve the ranking, and the ledger shows how they represent the workspace. */
  memory?: WorkspaceMemory;
  /** Commits, for questions about changes. Absent where git may not be run. */
  history?: CommitHistory | undefined;
  /** Waits for an index that is not whole yet, for a limited time. Resolves to whether it has become whole. */
  whenIndexed?: () => Promise<boolean>;
  emit?: (event: AnswerEvent) => void;
  signal?: AbortSignal;
}
