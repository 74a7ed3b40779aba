import * as vscode from 'vscode';
import { writeServerFile } from '../agents/write-server-file';
import type { Asking } from '../answers/asking';
import type { AnswerHistory } from '../answers/history';
import { initializeParams, setting } from '../configuration';
import { ASK_PROBLEM } from '../editor/problem-actions';
import { guarded } from '../failures';
import { addAdapterToModel } from '../models/add-adapter';
import { downloadFromHub, importFromFolder, setHubToken } from '../models/add-model';
import { chooseModel, removeInstalled } from '../models/choose-model';
import { extendModelWindow } from '../models/extend-window';
import { ModelHome } from '../models/model-home';
import type { Services } from '../services';
import { showStatus } from '../status/show-status';
import { setTeamKeys } from '../team/team-keys';
import { answerHistory, ask, askFolder, askPlaces, askSelection, copyAnswer, openAnswer, openInEditor } from './ask';
import { askProblem, askTerminal } from './ask-text';
import { cancelIndexing, clearIndex, pauseIndexing, rebuildIndex, whyFile } from './index-commands';
import { explain, explainAt, openSpan, showSimilar, summarizeFile } from './read';
import { whyLine } from './why-line';

/** Commands of links in hovers. They are not in the command palette. */
export const OPEN_SPAN = 'anchorage.openSpan';
export const EXPLAIN_AT = 'anchorage.explainAt';

export function registerCommands(services: Services, asking: Asking, history: AnswerHistory): vscode.Disposable[] {
  const { log, client, cacheView } = services;
  const models = new ModelHome(services.context);
  const commands = {
    'anchorage.ask': (given?: Parameters<typeof ask>[1]) => ask(asking, given),
    'anchorage.askFolder': (folder?: vscode.Uri) => askFolder(asking, folder),
    'anchorage.askPlaces': (uri?: vscode.Uri, all?: readonly vscode.Uri[]) => askPlaces(asking, uri, all),
    'anchorage.askSelection': () => askSelection(asking),
    'anchorage.askTerminal': () => askTerminal(asking),
    [ASK_PROBLEM]: (question: unknown) => askProblem(asking, question),
    'anchorage.summarizeFile': (uri?: vscode.Uri) => summarizeFile(services, asking, uri),
    'anchorage.explain': () => explain(services, asking),
    'anchorage.showSimilar': () => showSimilar(services, asking),
    'anchorage.whyLine': () => whyLine(services),
    [EXPLAIN_AT]: (...at: [unknown, unknown, unknown]) => explainAt(asking, ...at),
    [OPEN_SPAN]: (...at: [unknown, unknown, unknown]) => openSpan(services, ...at),
    'anchorage.openAnswer': (id: string) => openAnswer(services, history, id),
    'anchorage.stop': async () => asking.stop(),
    'anchorage.answerHistory': () => answerHistory(services, history),
    'anchorage.copyAnswer': () => copyAnswer(services),
    'anchorage.openAnswerInEditor': () => openInEditor(services),
    'anchorage.showCache': () => cacheView.reveal(false),
    'anchorage.showStatus': () => showStatus(services),
    'anchorage.rebuildIndex': () => rebuildIndex(services),
    'anchorage.clearIndex': () => clearIndex(services, history),
    'anchorage.pauseIndexing': () => pauseIndexing(services, true),
    'anchorage.resumeIndexing': () => pauseIndexing(services, false),
    'anchorage.cancelIndexing': () => cancelIndexing(services),
    'anchorage.whyFile': (uri?: vscode.Uri) => whyFile(services, uri),
    'anchorage.chooseModel': () => chooseModel(models),
    'anchorage.downloadModel': () => downloadFromHub(models),
    'anchorage.importModel': () => importFromFolder(models),
    'anchorage.addAdapter': () => addAdapterToModel(client),
    'anchorage.extendWindow': () => extendModelWindow(client, () => asking.prepare()),
    'anchorage.removeModel': () => removeInstalled(models),
    'anchorage.setHubToken': () => setHubToken(models),
    'anchorage.setTeamKeys': () => setTeamKeys(services.context.secrets, setting('memory.shared').trim()),
    'anchorage.writeServerFile': () =>
      writeServerFile(services.serverFile, () => initializeParams(services.context, () => undefined)),
    'anchorage.restartWorker': () => client.restart(),
    'anchorage.showLog': async () => log.show(),
  } satisfies Record<string, (...args: never[]) => Promise<unknown>>;
  return Object.entries(commands).map(([id, work]) =>
    vscode.commands.registerCommand(id, guarded(log, work as (...args: unknown[]) => Promise<unknown>)),
  );
}
