import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import { formatCount } from '../../base';
import { coverageLine } from '../answers/coverage-line';
import { QUESTION_PATIENCE, waitForIndex } from '../answers/index-wait';
import { linesRange } from '../editor/span-opener';
import { fileUri } from '../commands/read';
import type { Citation, SummaryPart } from '../../protocol';
import { chatWriter, serveWriter, type ChatWriter } from './chat-model';
import { safeAnswer, SafeMarkdownStream, withoutPicturesAndHtml } from '../markdown';
import type { WorkerClient } from '../worker-client';

/**
 * Registers `@anchorage` if the editor has a chat. Evidence and verification are Anchorage's. The prose is the local
 * model's, or that of the chat's own model where the user allows it.
 */
export function registerParticipant(
  client: WorkerClient,
  prepare: () => Promise<void>,
  context: vscode.ExtensionContext,
): vscode.Disposable[] {
  if (typeof vscode.chat?.createChatParticipant !== 'function') return [];
  const participant = vscode.chat.createChatParticipant(
    'anchorage.participant',
    async (request, chat, stream, token) => {
      await prepare();
      if (request.command === 'summarize') return summarize(client, stream, token);
      if (request.command === 'explain') return explain(client, stream, token);
      const writer = await chatWriter(request.model, context.globalState);
      return ask(client, { request, chat, writer }, stream, token);
    },
  );
  participant.iconPath = vscode.Uri.joinPath(context.extensionUri, 'media', 'icon.png');
  return [participant];
}

async function ask(
  client: WorkerClient,
  { request, chat, writer }: { request: vscode.ChatRequest; chat: vscode.ChatContext; writer: ChatWriter | undefined },
  stream: vscode.ChatResponseStream,
  token: vscode.CancellationToken,
): Promise<void> {
  const id = randomUUID();
  const safe = new SafeMarkdownStream();
  const asked = Date.now();
  let told = 0;
  let streamed = false;
  const events = client.on('answer/event', ({ id: of, event }) => {
    if (of !== id) return;
    if (event.type === 'phase' && event.phase === 'retrieving')
      stream.progress(vscode.l10n.t('Searching the workspace'));
    if (event.type === 'phase' && event.phase === 'loading') stream.progress(vscode.l10n.t('Loading the model'));
    // A chat cannot insert above, so the evidence is shown as references until the prose is written.
    if (event.type === 'citation') references(stream, [event.citation]);
    if (event.type === 'reading' && (told === 0 || event.read - told > event.total / 4)) {
      told = event.read;
      stream.progress(vscode.l10n.t('Reading {0} of {1} tokens', formatCount(event.read), formatCount(event.total)));
    }
    if (event.type === 'prose') {
      streamed = true;
      stream.markdown(safe.push(event.markdown));
    }
  });
  const serving = writer && serveWriter(client, id, writer);
  try {
    await waitForIndex(client, token, QUESTION_PATIENCE);
    const answer = await client.request(
      'ask',
      {
        id,
        question: request.prompt,
        scope: { kind: 'workspace' },
        previous: previousTurns(chat),
        asked,
        ...(writer ? { writer: writer.info } : {}),
      },
      token,
    );
    if (streamed) stream.markdown(safe.end());
    const rest = streamed && answer.prose !== undefined ? answer.markdown.slice(answer.prose.length) : answer.markdown;
    stream.markdown(safeAnswer(rest));
    for (const notice of answer.notices) stream.markdown(`\n\n*${withoutPicturesAndHtml(notice)}*`);
    stream.markdown(`\n\n*${coverageLine(answer.coverage)}*`);
  } finally {
    events.dispose();
    serving?.dispose();
  }
}

async function summarize(
  client: WorkerClient,
  stream: vscode.ChatResponseStream,
  token: vscode.CancellationToken,
): Promise<void> {
  const file = fileUri(undefined).fsPath;
  const summary = await client.request('summarize', { id: randomUUID(), file }, token);
  stream.markdown(withoutPicturesAndHtml(`**${summary.path}** (${summary.lines} lines)\n\n${summary.overview}\n\n`));
  const outline = (parts: readonly SummaryPart[], depth: number): void => {
    for (const part of parts) {
      stream.markdown(`${'  '.repeat(depth)}- `);
      stream.anchor(new vscode.Location(vscode.Uri.file(file), new vscode.Position(part.startLine - 1, 0)), part.title);
      stream.markdown(` ${withoutPicturesAndHtml(part.line)}\n`);
      outline(part.children, depth + 1);
    }
  };
  outline(summary.parts, 0);
}

async function explain(
  client: WorkerClient,
  stream: vscode.ChatResponseStream,
  token: vscode.CancellationToken,
): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const file = fileUri(undefined).fsPath;
  const { start, end } = editor?.selection ?? new vscode.Range(0, 0, 0, 0);
  const explanation = await client.request(
    'explain',
    { id: randomUUID(), file, startLine: start.line + 1, endLine: end.line + 1 },
    token,
  );
  stream.markdown(safeAnswer(explanation.markdown));
  references(stream, explanation.citations);
}

function references(stream: vscode.ChatResponseStream, citations: readonly Citation[]): void {
  for (const citation of citations) {
    const uri = vscode.Uri.file(citation.file);
    const open = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
    const range = open ? linesRange(open, citation) : new vscode.Range(citation.startLine - 1, 0, citation.endLine, 0);
    stream.reference(new vscode.Location(uri, range));
  }
}

/** Earlier questions to `@anchorage` in the chat, with its answers. */
function previousTurns({ history }: vscode.ChatContext): { question: string; answer: string }[] {
  return history
    .flatMap((turn, index) => {
      const next = history[index + 1];
      if (!(turn instanceof vscode.ChatRequestTurn) || !(next instanceof vscode.ChatResponseTurn)) return [];
      const answer = next.response
        .flatMap((part) => (part instanceof vscode.ChatResponseMarkdownPart ? [part.value.value] : []))
        .join('');
      return [{ question: turn.prompt, answer }];
    })
    .slice(-4);
}
