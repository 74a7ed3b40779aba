import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { HoverInfo, Span } from '../../protocol';
import { EXPLAIN_AT, OPEN_SPAN } from '../commands/register';
import { setting } from '../configuration';
import { fileOf, isUntitled, lineInFile, nameOf } from '../editor/document-text';
import { RequestFailed } from '../request-failed';
import type { WorkerClient } from '../worker-client';
import { commandUri, escapeMarkdown, withoutPicturesAndHtml } from '../markdown';

/** Maximum number of uses listed in a hover. The rest are counted. */
const USERS = 5;

/**
 * Shows the facts about a name from the index, with the cached explanation or an Explain link. A hover never starts the
 * worker, and runs the model only if the setting is "automatic".
 */
export class NameHover implements vscode.HoverProvider {
  constructor(
    private readonly client: WorkerClient,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  async provideHover(
    document: vscode.TextDocument,
    position: vscode.Position,
    token: vscode.CancellationToken,
  ): Promise<vscode.Hover | undefined> {
    if (!this.client.running || !setting('hover.enabled', document)) return undefined;
    const word = document.getWordRangeAtPosition(position);
    if (!word) return undefined;
    try {
      const info = await hoverAt(this.client, document, position, token);
      if (!info || token.isCancellationRequested) return undefined;
      return new vscode.Hover([facts(info), links(info), explanation(info)], word);
    } catch (error) {
      if (!(error instanceof RequestFailed && error.code === 'cancelled')) this.log.debug(`Hover: ${String(error)}`);
      return undefined;
    }
  }
}

/**
 * If the setting is "automatic", explains a name without a cached explanation. It is a separate provider, because a
 * model takes seconds and the editor shows a provider's hover only when its promise resolves.
 */
export class AutomaticExplanation implements vscode.HoverProvider {
  constructor(
    private readonly client: WorkerClient,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  async provideHover(
    document: vscode.TextDocument,
    position: vscode.Position,
    token: vscode.CancellationToken,
  ): Promise<vscode.Hover | undefined> {
    if (!this.client.running || setting('hover.explain') !== 'automatic' || !setting('hover.enabled', document))
      return undefined;
    const word = document.getWordRangeAtPosition(position);
    if (!word) return undefined;
    try {
      const info = await hoverAt(this.client, document, position, token);
      if (!info || info.explanation || token.isCancellationRequested) return undefined;
      const { file, startLine, endLine } = info.definedAt;
      const made = await this.client.request('explain', { id: randomUUID(), file, startLine, endLine }, token);
      return new vscode.Hover(quoted(made.markdown), word);
    } catch (error) {
      if (!(error instanceof RequestFailed && error.code === 'cancelled')) this.log.debug(`Hover: ${String(error)}`);
      return undefined;
    }
  }
}

async function hoverAt(
  client: WorkerClient,
  document: vscode.TextDocument,
  position: vscode.Position,
  token: vscode.CancellationToken,
): Promise<HoverInfo | null> {
  const uri = isUntitled(document.uri) ? document.uri : fileOf(document.uri);
  const line = await lineInFile(client, document, position.line);
  if (!uri || line === undefined) return null;
  return client.request('hover', { file: nameOf(uri), line, character: position.character }, token);
}

/** The cached explanation, or an Explain link. */
function explanation(info: HoverInfo): vscode.MarkdownString {
  if (info.explanation) return quoted(info.explanation);
  const text = commandMarkdown([EXPLAIN_AT]);
  if (setting('hover.explain') === 'link')
    text.appendMarkdown(
      `$(lightbulb) [${vscode.l10n.t('Explain')}](${commandUri(EXPLAIN_AT, info.definedAt)} ` +
        `"${vscode.l10n.t('Explain this definition in the Answer panel')}")`,
    );
  return text;
}

/** Signature and doc comment. They are workspace text, so the Markdown is untrusted and shows no picture or HTML. */
function facts(info: HoverInfo): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  text.appendCodeblock(info.signature, info.language);
  if (info.doc) text.appendMarkdown(withoutPicturesAndHtml(info.doc));
  return text;
}

function links(info: HoverInfo): vscode.MarkdownString {
  const text = commandMarkdown([OPEN_SPAN]);
  text.appendMarkdown(`$(symbol-${symbolIcon(info.kind)}) ${vscode.l10n.t('Defined in')} ${spanLink(info.definedAt)}`);
  if (info.others.length > 0)
    text.appendMarkdown(
      `, ${vscode.l10n.t('also')} ${info.others
        .slice(0, USERS)
        .map((span) => spanLink(span))
        .join(', ')}`,
    );
  const users = info.usedBy.slice(0, USERS);
  if (users.length > 0) {
    const more = info.moreUsers + info.usedBy.length - users.length;
    text.appendMarkdown(
      `\n\n$(references) ${vscode.l10n.t('Used by')} ` +
        `${users.map(({ span, label }) => spanLink(span, label)).join(', ')}`,
    );
    if (more > 0) text.appendMarkdown(` ${vscode.l10n.t('and {0} more', more)}`);
  }
  return text;
}

function quoted(explanation: string): vscode.MarkdownString {
  const text = new vscode.MarkdownString('', true);
  return text
    .appendMarkdown('$(lightbulb) ')
    .appendMarkdown(withoutPicturesAndHtml(explanation).replace(/ ?\[\d{1,3}\]/g, ''));
}

function commandMarkdown(enabledCommands: string[]): vscode.MarkdownString {
  const text = new vscode.MarkdownString('', true);
  text.isTrusted = { enabledCommands };
  return text;
}

function spanLink(span: Span, label?: string): string {
  const name =
    label && !span.path.endsWith(label)
      ? `${label} (${shortPath(span.path)}:${span.startLine})`
      : `${shortPath(span.path)}:${span.startLine}`;
  return `[${escapeMarkdown(name)}](${commandUri(OPEN_SPAN, span)} "${escapeMarkdown(span.path)}")`;
}

function shortPath(path: string): string {
  return path.split('/').slice(-2).join('/');
}

const SYMBOL_ICONS = new Set([
  'method',
  'class',
  'interface',
  'enum',
  'constant',
  'variable',
  'field',
  'namespace',
  'key',
  'property',
]);

function symbolIcon(kind: string): string {
  if (SYMBOL_ICONS.has(kind)) return kind;
  return kind === 'function'
    ? 'method'
    : kind === 'struct' || kind === 'trait' || kind === 'type'
      ? 'structure'
      : 'misc';
}
