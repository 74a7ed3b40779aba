/** Everything the assistant answers over one session, with the model that is in use. */
import * as l10n from '@vscode/l10n';
import type {
  Answer,
  AnswerEvent,
  ChatMessage,
  Citation,
  ComposedContext,
  Explanation,
  HoverInfo,
  Requests,
  Scope,
  Span,
  Summary,
  SummaryPart,
  Writer,
  WriteOptions,
  Written,
} from '../protocol';
import {
  ask,
  type AskRequest,
  errorForUser,
  explain,
  type ExplainRequest,
  type ExplanationCache,
  findRelated,
  hover,
  type HoverRequest,
  locateCitation,
  locateInLines,
  prepareAnswer,
  readOrThrow,
  summarize,
  type WriterState,
  type CommitHistory,
} from '../assistant';
import { AppError, splitLines, throwIfCancelled, type WorkClass } from '../base';
import type { Search, SearchResult } from '../search';
import type { Workspace } from '../workspace';
import type { Engines } from './engines';
import { FileLines } from './file-lines';
import { FileWindow } from './file-window';
import { libraryAt } from './untitled-library';
import { LongFileView } from './long-file-view';
import type { MemoryService } from './memory-service';

/** Receives the share done (0…1) and a message for the user. */
export type ProgressListener = (fraction: number, message: string) => void;

export interface AnsweringParts {
  workspace: Workspace;
  search: Search;
  memory: MemoryService;
  engines: Engines;
  explanations: ExplanationCache;
  /** Absent where git may not be run. */
  history: CommitHistory | undefined;
}

interface Watch {
  signal?: AbortSignal;
  progress?: ProgressListener;
}

interface AskOptions {
  signal?: AbortSignal;
  emit?: (event: AnswerEvent) => void;
  /** Writes instead of the model in use. */
  writer?: Writer;
}

/**
 * Longest wait (ms) for a model that is being loaded. The first load of a large model compiles it, which takes minutes.
 */
const MODEL_PATIENCE = 10_000;

export class Answering {
  constructor(private readonly parts: AnsweringParts) {}

  /** Whether a model is ready to write answers in prose. */
  get hasWriter(): boolean {
    return this.parts.engines.writer() !== undefined;
  }

  /** Answers a question with citations. Quotes the sources when no model can write. */
  async ask(request: AskRequest, { signal, emit, writer: given }: AskOptions = {}): Promise<Answer> {
    const { workspace, search, memory, engines } = this.parts;
    const sentTo = new Set<string>();
    const state = async (): Promise<WriterState> => {
      const { writer, ...why } = given ? { writer: given } : await this.writer('answer', signal);
      return writer ? { writer: noting(writer, sentTo) } : why;
    };
    const asked = request.asked ?? Date.now();
    const view = await this.viewOf(request.question, request.scope, signal);
    const written = given || engines.writes ? state : undefined;
    if (view) {
      const answer = await this.askView(view, { ...request, asked }, { signal, emit }, written);
      return { ...answer, notices: [...answer.notices, ...sentNotices(sentTo)] };
    }
    await this.readFirst(request.scope);
    const lines = this.fileLines();
    const events = emit && lines.stream(emit);
    const answer = await ask(
      { ...request, asked, scope: await this.textScope(request.scope, lines) },
      {
        library: workspace,
        search,
        writer: written,
        memory: memory.workspace,
        history: this.parts.history,
        whenIndexed: () => workspace.whenIndexed(signal),
        signal,
        ...(events ? { emit: events.send } : {}),
      },
    );
    await events?.sent();
    const notices = [
      ...(await this.notIndexedNotice(request.scope)),
      ...this.failedEncoderNotice(),
      ...answer.notices,
      ...this.encodingNotices(answer.citations),
      ...sentNotices(sentTo),
    ];
    return lines.convert({ ...answer, scope: request.scope, notices });
  }

  private async askView(
    view: LongFileView,
    request: AskRequest,
    { signal, emit }: { signal?: AbortSignal; emit?: (event: AnswerEvent) => void },
    writer: (() => Promise<WriterState>) | undefined,
  ): Promise<Answer> {
    try {
      const answer = await ask(
        { ...request, scope: { kind: 'folder', path: '.' } },
        {
          library: view.library,
          search: view,
          writer,
          signal,
          ...(emit ? { emit: (event) => emit(view.outward(event)) } : {}),
        },
      );
      return { ...view.outward(answer), scope: request.scope, notices: [view.notice, ...view.outward(answer.notices)] };
    } finally {
      await view.close();
    }
  }

  /** The best parts of a file that is too large for the index; undefined for any other scope. */
  private async viewOf(question: string, scope: Scope, signal?: AbortSignal): Promise<LongFileView | undefined> {
    try {
      return await LongFileView.open({ question, scope, signal }, this.parts.workspace);
    } catch (error) {
      throwIfCancelled(signal);
      throw errorForUser(error);
    }
  }

  /** Reads what a question would have read, while it is being typed. Shows nothing. */
  async prepare(request: AskRequest, signal?: AbortSignal): Promise<void> {
    const { workspace, search, memory, engines } = this.parts;
    const writer = engines.writer('hover');
    if (!writer || workspace.status().state !== 'ready') return;
    const scope = await this.textScope(request.scope, this.fileLines());
    await prepareAnswer(
      { ...request, scope },
      { library: workspace, search, writer: async () => ({ writer }), memory: memory.workspace, signal },
    );
  }

  /** Lets the model in use answer a chat, without evidence of the workspace. @throws AppError('modelFailed') */
  async write(chat: readonly ChatMessage[], options: WriteOptions): Promise<Written> {
    const { writer, why } = await this.writer('answer', options.signal);
    if (!writer)
      throw new AppError(
        'modelFailed',
        why ?? l10n.t('No model is chosen.'),
        l10n.t('Choose one with Anchorage: Choose Model. Questions to @anchorage are answered with quotes meanwhile.'),
      );
    return writer.write(chat, options);
  }

  /** Ranks the spans of a scope for a question. */
  async search(
    question: string,
    { scope, limit, signal }: { scope: Scope; limit: number; signal?: AbortSignal },
  ): Promise<SearchResult> {
    const view = await this.viewOf(question, scope, signal);
    if (view) {
      const { spans, coverage } = await view.rank(question, { scope, signal }).finally(() => view.close());
      return view.outward({ spans: spans.slice(0, limit), coverage });
    }
    await this.readFirst(scope);
    const lines = this.fileLines();
    const options = { scope: await this.textScope(scope, lines), limit, signal };
    return lines.convert(await this.parts.search.search(question, options));
  }

  async summarize(file: string, { signal, progress }: Watch = {}): Promise<Summary> {
    const { writer } = this.parts.engines.writes ? await this.writer('answer', signal) : {};
    const summary = await summarize(file, { library: this.parts.workspace, writer, signal, progress });
    const lines = this.fileLines();
    const converted = async (part: SummaryPart): Promise<SummaryPart> => ({
      ...part,
      ...(await lines.toFile(file, part)),
      children: await Promise.all(part.children.map(converted)),
    });
    return { ...summary, parts: await Promise.all(summary.parts.map(converted)) };
  }

  async explain(request: ExplainRequest, { signal, progress }: Watch = {}): Promise<Explanation> {
    const { writer } = this.parts.engines.writes ? await this.writer('answer', signal) : {};
    const { workspace, explanations: cache } = this.parts;
    const window = await FileWindow.open(request, workspace, signal);
    // A cached explanation would have lines of another window.
    if (window)
      return window.outward(
        await explain(window.inside(request), { library: window.library, writer, signal, progress }),
      );
    const lines = this.fileLines();
    const explanation = await explain(
      { ...request, ...(await lines.toText(request.file, request)) },
      { library: libraryAt(request.file, workspace), cache, writer, signal, progress },
    );
    return lines.convert(explanation);
  }

  /** Waits for no model. */
  async hover(request: HoverRequest, signal?: AbortSignal): Promise<HoverInfo | null> {
    const { workspace, explanations, engines } = this.parts;
    const { file, line } = request;
    const library = libraryAt(file, workspace);
    const tools = { library, cache: explanations, author: engines.writer()?.author, signal };
    if (!workspace.long.isLong(file)) return this.fileLines().convert(await hover(request, tools));
    const window = await FileWindow.open({ file, startLine: line, endLine: line }, workspace, signal);
    if (!window) return null;
    const { startLine } = window.inside({ startLine: line, endLine: line });
    return hover({ ...request, line: startLine }, { ...tools, library: window.library });
  }

  /** Finds the text of a citation in its file as it is now. */
  async locate(citation: Citation): Promise<Requests['citation/locate'][1]> {
    // A commit is addressed by its content.
    if (citation.commit !== undefined) return { state: 'same', span: citation };
    const { long } = this.parts.workspace;
    if (long.isLong(citation.file)) return this.locateInWindow(citation);
    const lines = this.fileLines();
    const textLines = await lines.toText(citation.file, citation);
    const located = await locateCitation({ ...citation, ...textLines }, this.parts.workspace);
    const { span, state } = await lines.convert(located);
    // The lines of an HTML file do not tell exactly which lines of its text they were.
    const isSame = span.startLine === citation.startLine && span.endLine === citation.endLine;
    return { span, state: state === 'moved' && isSame ? 'same' : state };
  }

  /** Locates a citation of a long file near its lines. */
  private async locateInWindow(citation: Citation): Promise<Requests['citation/locate'][1]> {
    const { file, path, startLine, endLine } = citation;
    const span = { file, path, startLine, endLine };
    const window = await this.parts.workspace.long.windowAt(file, startLine, endLine).catch(() => undefined);
    if (!window) return { state: 'missing', span };
    const offset = window.startLine - 1;
    const inside = { ...span, startLine: startLine - offset, endLine: endLine - offset };
    const located = locateInLines(citation, splitLines(window.document.text), inside);
    const moved = { startLine: located.span.startLine + offset, endLine: located.span.endLine + offset };
    return { state: located.state, span: { ...span, ...moved } };
  }

  /**
   * Composes the context of a question over the whole workspace.
   * @throws AppError('modelFailed') when the model has no memory slots
   */
  compose(
    request: { question: string; scope: Scope; maxNewTokens: number },
    signal?: AbortSignal,
  ): Promise<ComposedContext & SearchResult> {
    return this.parts.memory.compose(request, this.parts.search, signal);
  }

  /** The text of a file, unsaved edits included. @throws AppError('fileNotFound' | 'fileUnreadable') */
  async textOf(file: string): Promise<string> {
    return (await readOrThrow(this.parts.workspace, file)).text;
  }

  /** The text of a document as it is indexed, with its places. @throws AppError('fileNotFound' | 'fileUnreadable') */
  async document(file: string): Promise<Requests['document/text'][1]> {
    const { text, language, places = [] } = await readOrThrow(this.parts.workspace, file);
    return {
      text,
      language,
      places: places.flatMap(({ kind, ...rest }) => (kind === 'line' ? [] : [{ kind, ...rest }])),
    };
  }

  /** Why the file of the scope is not searched, if it is not. */
  private async notIndexedNotice(scope: Scope): Promise<string[]> {
    if (scope.kind !== 'file' && scope.kind !== 'selection') return [];
    const { path, indexed, reason } = await this.parts.workspace.why(scope.file);
    return indexed ? [] : [l10n.t('{0} is not indexed. {1}', path, reason)];
  }

  /**
   * Reads whole lines of a file as a search finds them: lines of the file, or of the text of a PDF, book or notebook.
   * The range is cut at the end of the file and after `most` lines.
   * @throws AppError('fileNotFound' | 'fileUnreadable')
   */
  async readLines(
    { file, startLine, endLine }: { file: string; startLine: number; endLine: number },
    most = Infinity,
  ): Promise<Span & { text: string; language: string; lines: number }> {
    const { text, language, path } = await readOrThrow(this.parts.workspace, file);
    const converter = this.fileLines();
    const all = splitLines(text);
    const asked = await converter.toText(file, { startLine, endLine });
    const first = Math.max(1, asked.startLine);
    const last = Math.min(all.length, asked.endLine, first + most - 1);
    const read = { file, path, startLine: first, endLine: last, text: all.slice(first - 1, last).join('\n') };
    return { ...(await converter.convert(read)), language, lines: all.length };
  }

  /**
   * Ranks spans that resemble lines of a file. The lines themselves are left out.
   * @throws AppError('fileNotFound' | 'fileUnreadable')
   */
  async related(
    span: { file: string; startLine: number; endLine: number },
    { limit, signal }: { limit: number; signal?: AbortSignal },
  ): Promise<SearchResult> {
    await this.readFirst({ kind: 'file', file: span.file });
    const lines = this.fileLines();
    const textSpan = { ...span, ...(await lines.toText(span.file, span)) };
    return lines.convert(
      await findRelated(textSpan, { library: this.parts.workspace, search: this.parts.search, limit, signal }),
    );
  }

  private encodingNotices(citations: readonly Citation[]): string[] {
    return [...new Set(citations.map(({ path }) => path))].flatMap((path) => {
      const name = this.parts.workspace.guessedEncoding(path);
      return name === undefined ? [] : [l10n.t('The encoding of {0} is uncertain. It was read as {1}.', path, name)];
    });
  }

  private fileLines(): FileLines {
    return new FileLines(this.parts.workspace);
  }

  private async textScope(scope: Scope, lines: FileLines): Promise<Scope> {
    return scope.kind === 'selection' ? { ...scope, ...(await lines.toText(scope.file, scope)) } : scope;
  }

  /** Indexes the file of the scope first, so that a question about one file need not wait for the whole workspace. */
  private async readFirst(scope: Scope): Promise<void> {
    const { workspace } = this.parts;
    if ((scope.kind === 'file' || scope.kind === 'selection') && workspace.status().state !== 'ready')
      await workspace.applyChanges([{ file: scope.file, type: 'changed' }]);
  }

  /** Without the model that encodes, the ranking knows the words only. */
  private failedEncoderNotice(): string[] {
    const { state, detail } = this.parts.engines.memory.status;
    return state === 'failed'
      ? [l10n.t('Ranked by words alone, because the bundled model is not in use. {0}', detail)]
      : [];
  }

  /** The model that writes, once it is loaded; otherwise the reason why a model that should be in use is not. */
  private async writer(kind: WorkClass, signal?: AbortSignal): Promise<WriterState> {
    const { engines } = this.parts;
    await Promise.race([
      engines.settled(signal),
      new Promise((resolve) => setTimeout(resolve, MODEL_PATIENCE).unref()),
    ]);
    const writer = engines.writer(kind);
    if (writer) return { writer };
    const { state, detail } = (engines.server.status.state === 'none' ? engines.chat : engines.server).status;
    return state === 'failed' || state === 'loading' ? { why: l10n.t('The model is not in use. {0}', detail) } : {};
  }
}

/** Notes where text goes when a model elsewhere writes. */
function noting(writer: Writer, sentTo: Set<string>): Writer {
  const { author, contextTokens, bytesPerRow } = writer;
  const host = author.kind === 'extractive' ? undefined : author.sentTo;
  if (host === undefined) return writer;
  return {
    ...{ author, contextTokens, bytesPerRow },
    countChats: (chats, signal) => writer.countChats(chats, signal),
    write: (chat, options) => {
      sentTo.add(host);
      return writer.write(chat, options);
    },
  };
}

/** Text that left the machine is said with every answer, also with one that the model failed to write. */
function sentNotices(sentTo: ReadonlySet<string>): string[] {
  return [...sentTo].map((host) => l10n.t('Quoted text left this machine: it was sent to {0}.', host));
}
