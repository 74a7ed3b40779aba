import * as vscode from 'vscode';
import type { IndexStatus } from '../protocol';
import type { Conversation } from './answers/conversation';
import type { AnswerText } from './editor/answer-text';
import type { SpanOpener } from './editor/span-opener';
import type { IndexingHold } from './status/hold';
import type { AnswerView } from './views/answer-view';
import type { CacheView } from './views/cache-view';
import type { SpansView } from './views/spans-view';
import type { SummaryPanels } from './views/summary-panel';
import type { WorkerClient } from './worker-client';

/** The services that commands, views and providers share. `activate` creates them once. */
export interface Services {
  context: vscode.ExtensionContext;
  log: vscode.LogOutputChannel;
  client: WorkerClient;
  /** The user's pause or cancel of indexing. */
  hold: IndexingHold;
  conversation: Conversation;
  opener: SpanOpener;
  answerText: AnswerText;
  answerView: AnswerView;
  spansView: SpansView;
  cacheView: CacheView;
  summaries: SummaryPanels;
  /** The server for agents, which runs outside the editor. */
  serverFile: string;
  /** The last status from the worker, or undefined before its first start. */
  indexStatus: () => IndexStatus | undefined;
}

/** Sets a context key that menus and `enablement` clauses read. */
export function setContext(key: 'answering' | 'hasAnswer' | 'indexHeld' | 'citationOpened', value: unknown): void {
  void vscode.commands.executeCommand('setContext', `anchorage.${key}`, value);
}
