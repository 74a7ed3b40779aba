import { formatBytes, formatNumber, formatPercent } from '../../base';
import * as vscode from 'vscode';
import type { IndexStatus, TeamStatus } from '../../protocol';
import type { ClientState, WorkerClient } from '../worker-client';
import { faceOf, type Face } from './index-state';

/** The status bar item: the state at a glance, with the reason and actions in its tooltip. */
export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('anchorage.status', vscode.StatusBarAlignment.Right, 90);

  constructor(
    private readonly client: WorkerClient,
    private readonly indexStatus: () => IndexStatus | undefined,
  ) {
    this.item.name = 'Anchorage';
    this.item.command = 'anchorage.showStatus';
    this.update();
    this.item.show();
  }

  update(): void {
    const index = this.indexStatus();
    const face = faceOf(this.client.state, index);
    const progress = face.progress === undefined ? '' : ` ${formatPercent(face.progress)}`;
    this.item.text = `$(${face.icon}) Anchorage${progress}`;
    this.item.backgroundColor =
      face.severity === 'none' ? undefined : new vscode.ThemeColor(`statusBarItem.${face.severity}Background`);
    this.item.accessibilityInformation = { label: `Anchorage: ${stateText(face)}${progress}`, role: 'button' };
    this.item.tooltip = tooltip(face, this.client.state, index);
  }

  dispose(): void {
    this.item.dispose();
  }
}

export function stateText(face: Face): string {
  switch (face.state) {
    case 'asleep':
      return vscode.l10n.t('idle');
    case 'starting':
      return vscode.l10n.t('starting');
    case 'restarting':
      return vscode.l10n.t('restarting');
    case 'failed':
      return vscode.l10n.t('the worker keeps crashing');
    case 'idle':
      return vscode.l10n.t('nothing indexed yet');
    case 'working':
      return vscode.l10n.t('indexing');
    case 'ready':
      return vscode.l10n.t('ready');
    case 'encoding':
      return vscode.l10n.t('ready, encoding');
    case 'paused':
      return vscode.l10n.t('paused');
    case 'cancelled':
      return vscode.l10n.t('indexing cancelled');
    case 'problem':
      return vscode.l10n.t('indexing failed');
  }
}

/** Facts about the index, one per line of the tooltip and the status list. */
export function indexFacts(index: IndexStatus): { icon: string; label: string; detail: string }[] {
  const { memories } = index;
  return [
    {
      icon: 'files',
      label: vscode.l10n.t('{0} of {1} files', formatNumber(index.filesIndexed), formatNumber(index.filesKnown)),
      detail: vscode.l10n.t('{0} of text, {1} segments', formatBytes(index.bytesIndexed), formatNumber(index.segments)),
    },
    {
      icon: 'database',
      label: vscode.l10n.t('{0} on disk', formatBytes(index.storeBytes)),
      detail: vscode.l10n.t('{0} of memory in use', formatBytes(index.memoryBytes)),
    },
    ...(memories
      ? [
          {
            icon: 'layers',
            label: encodedText(memories),
            detail: vscode.l10n.t('{0} of at most {1}', formatBytes(memories.bytes), formatBytes(memories.budgetBytes)),
          },
          ...(memories.team ? [teamFact(memories.team, memories.fromTeam ?? 0)] : []),
          ...(memories.standstill
            ? [
                {
                  icon: memories.standstill.cause === 'paused' ? 'debug-pause' : 'warning',
                  label: vscode.l10n.t('Encoding has stopped'),
                  detail: memories.standstill.reason,
                },
              ]
            : []),
        ]
      : []),
    { icon: 'chip', label: index.model.name ?? vscode.l10n.t('No model'), detail: index.model.detail },
  ];
}

/** Says how much the team's memory has given, or why it is not used. */
function teamFact(team: TeamStatus, fromTeam: number): { icon: string; label: string; detail: string } {
  if (team.reason !== undefined)
    return { icon: 'warning', label: vscode.l10n.t('The team’s memory is not used'), detail: team.reason };
  return {
    icon: 'organization',
    label: vscode.l10n.t('{0} segments from the team', formatNumber(fromTeam)),
    detail: vscode.l10n.t('{0} segments in {1}', formatNumber(team.records), team.address),
  };
}

/** The number of segments is an estimate while files are still being segmented. */
function encodedText({ encoded, segments, counting }: NonNullable<IndexStatus['memories']>): string {
  const [have, all] = [formatNumber(encoded), formatNumber(segments)];
  return counting
    ? vscode.l10n.t('{0} of about {1} segments encoded', have, all)
    : vscode.l10n.t('{0} of {1} segments encoded', have, all);
}

function tooltip(face: Face, client: ClientState, index: IndexStatus | undefined): vscode.MarkdownString {
  const text = new vscode.MarkdownString('', true);
  text.isTrusted = {
    enabledCommands: [
      'anchorage.showStatus',
      'anchorage.pauseIndexing',
      'anchorage.resumeIndexing',
      'anchorage.cancelIndexing',
      'anchorage.showLog',
      'anchorage.ask',
      'anchorage.restartWorker',
    ],
  };
  text.appendMarkdown('**Anchorage** · ').appendText(stateText(face)).appendMarkdown('\n\n');
  const reason =
    client.kind === 'waiting' || client.kind === 'failed'
      ? client.reason
      : client.kind === 'running'
        ? index?.reason
        : undefined;
  if (reason) text.appendText(reason).appendMarkdown('\n\n');
  if (index && client.kind === 'running') {
    for (const fact of indexFacts(index))
      text.appendMarkdown(`$(${fact.icon}) `).appendText(`${fact.label} · ${fact.detail}`).appendMarkdown('  \n');
    const unread = index.problems.length + (index.moreProblems ?? 0);
    if (unread > 0)
      text
        .appendMarkdown('$(warning) ')
        .appendText(
          unread === 1
            ? vscode.l10n.t('1 file could not be read')
            : vscode.l10n.t('{0} files could not be read', formatNumber(unread)),
        )
        .appendMarkdown('\n\n');
  }
  text.appendMarkdown('\n\n---\n\n').appendMarkdown(
    actions(face)
      .map(([title, command]) => `[${title}](command:${command})`)
      .join(' · '),
  );
  return text;
}

function actions(face: Face): [string, string][] {
  const list: [string, string][] = [
    [vscode.l10n.t('Ask'), 'anchorage.ask'],
    [vscode.l10n.t('Details'), 'anchorage.showStatus'],
  ];
  if (face.state === 'working' || face.state === 'encoding')
    list.push(
      [vscode.l10n.t('Pause'), 'anchorage.pauseIndexing'],
      [vscode.l10n.t('Cancel'), 'anchorage.cancelIndexing'],
    );
  if (face.state === 'paused' || face.state === 'cancelled')
    list.push([vscode.l10n.t('Resume'), 'anchorage.resumeIndexing']);
  if (face.state === 'failed') list.push([vscode.l10n.t('Restart'), 'anchorage.restartWorker']);
  return [...list, [vscode.l10n.t('Log'), 'anchorage.showLog']];
}
