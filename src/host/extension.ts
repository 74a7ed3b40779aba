import { config } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { IndexStatus } from '../protocol';
import { registerServer } from './agents/server-command';
import { Asking } from './answers/asking';
import { Conversation } from './answers/conversation';
import { AnswerHistory } from './answers/history';
import { registerLocalModel } from './chat/local-model-provider';
import { registerParticipant } from './chat/participant';
import { registerTools } from './chat/tools';
import { OPEN_SPAN, registerCommands } from './commands/register';
import { affectsWorker, diskFolders, initializeParams, setting, workerSettings } from './configuration';
import { AnswerText } from './editor/answer-text';
import { registerCommits } from './editor/commit-text';
import { DocumentText, READ_DOCUMENTS } from './editor/document-text';
import { ProblemActions } from './editor/problem-actions';
import { SpanOpener } from './editor/span-opener';
import { WorkspaceWatch } from './files/workspace-watch';
import { AutomaticExplanation, NameHover } from './hover/hover-provider';
import { setContext, type Services } from './services';
import { isTeamKeys } from './team/team-keys';
import { IndexingHold } from './status/hold';
import { isWorking, MonotoneProgress } from './status/index-state';
import { StatusItem } from './status/status-item';
import { AnswerView } from './views/answer-view';
import { CacheView } from './views/cache-view';
import { createReceiver } from './views/receiver';
import { SpansView } from './views/spans-view';
import { SummaryPanels } from './views/summary-panel';
import { WorkerClient } from './worker-client';

let client: WorkerClient | undefined;

/** Runs once the editor has started and shows the status item. It starts no worker and indexes nothing. */
export function activate(context: vscode.ExtensionContext): void {
  // Code that the host shares with processes outside the editor.
  if (vscode.l10n.bundle) config({ contents: vscode.l10n.bundle });
  const log = vscode.window.createOutputChannel('Anchorage', { log: true });
  const hold = new IndexingHold(context.workspaceState);
  setContext('indexHeld', hold.held);
  let index: IndexStatus | undefined;
  const worker = (client = new WorkerClient({
    workerFile: context.asAbsolutePath('dist/worker.js'),
    initializeParams: () => initializeParams(context, () => hold.held),
    log: (level, message) => log[level](message),
    isBusy: () => isWorking(index),
    idleAfter: () => setting('worker.idleMinutes') * 60_000,
  }));

  const conversation = new Conversation();
  const history = new AnswerHistory(context, log);
  const receiver = createReceiver(() => ({ services, asking }));
  const texts = new DocumentText(worker);
  const opener = new SpanOpener(worker, texts, log);
  const answerText = new AnswerText(async (id) => {
    const shown = conversation.answers();
    return shown[0]?.id === id ? shown : history.load(id);
  }, OPEN_SPAN);
  const answerView = new AnswerView(context.extensionUri, conversation, () => index, receiver);
  answerView.earlier = () => history.list();
  const spansView = new SpansView(context.extensionUri, receiver);
  const cacheView = new CacheView(context.extensionUri, () => index, receiver);
  const summaries = new SummaryPanels(context, worker, receiver);
  const services: Services = {
    context,
    log,
    client: worker,
    hold,
    conversation,
    opener,
    answerText,
    answerView,
    spansView,
    cacheView,
    summaries,
    serverFile: context.asAbsolutePath('dist/mcp.js'),
    indexStatus: () => index,
  };
  const watch = new WorkspaceWatch(worker);
  const asking = new Asking(services, history, watch);
  const status = new StatusItem(worker, () => index);
  const prepare = (): Promise<void> => asking.prepare();
  const sendSettings = (): void =>
    void workerSettings(context.secrets).then(
      (settings) => worker.notify('settings/changed', { settings }),
      (error: unknown) => log.error(String(error)),
    );

  const monotone = new MonotoneProgress();
  context.subscriptions.push(
    log,
    texts,
    opener,
    answerText,
    answerView,
    spansView,
    cacheView,
    summaries,
    asking,
    status,
    watch,
    worker.on('log', ({ level, message }) => log[level](message)),
    worker.on('index/status', (next) => {
      index = monotone.update(next);
      setContext('indexHeld', index.held);
      status.update();
      for (const view of [answerView, cacheView]) view.post({ type: 'status', status: index });
    }),
    worker.onState(() => status.update()),
    vscode.languages.registerHoverProvider(READ_DOCUMENTS, new NameHover(worker, log)),
    vscode.languages.registerHoverProvider(READ_DOCUMENTS, new AutomaticExplanation(worker, log)),
    vscode.languages.registerCodeActionsProvider({ scheme: 'file' }, new ProblemActions(), ProblemActions.metadata),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (affectsWorker(event)) sendSettings();
      if (event.affectsConfiguration('files.exclude') || event.affectsConfiguration('files.encoding'))
        worker.notify('folders/changed', { folders: diskFolders() });
    }),
    // Settings that Restricted Mode ignored now apply, and indexing may start without a question. The worker keeps
    // running, because a question may be in progress.
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      if (!worker.awake) return;
      sendSettings();
      prepare().catch((error: unknown) => log.error(String(error)));
    }),
    context.secrets.onDidChange(({ key }) => {
      if (worker.awake && isTeamKeys(key)) sendSettings();
    }),
    ...registerCommands(services, asking, history),
    ...registerTools(worker, prepare),
    ...registerLocalModel(worker, prepare),
    ...registerServer(context, services.serverFile, () => initializeParams(context, () => undefined)),
    registerCommits(worker),
    ...registerParticipant(worker, prepare, context),
  );
}

export async function deactivate(): Promise<void> {
  await client?.dispose();
}
