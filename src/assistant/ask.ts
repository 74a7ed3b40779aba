/**
 * The walk of a question: retrieve, compose, answer, check. With a model the answer is prose, without one it is
 * extractive and says so.
 */
import type {
  Answer,
  AnswerEvent,
  Author,
  Citation,
  ContextLedger,
  Coverage,
  LedgerGroup,
  RankedSpan,
  Scope,
} from '../protocol';
import { checkMarkdown } from './citations';
import {
  readContext,
  selectContext,
  type ComposedContext,
  type ContextSelection,
  type WorkspaceMemory,
} from '../memory/context/compose';
import { retrieveFused } from '../search/fused-search';
import { AppError, counted, splitLines, textOfLines, throwIfCancelled } from '../base';
import { answerFromSources } from './quote/extractive';
import { generatedBlock, presentable } from './write/gist';
import type { AssistantLibrary } from './library';
import { composeChat, ledgerOf, named, writeProse, type Turn } from './write/prose';
import { parseQuestion } from './question';
import type { Writer } from './write/writer';

export interface AskRequest {
  id: string;
  question: string;
  scope: Scope;
  previous?: readonly Turn[];
}

export interface AskTools {
  library: AssistantLibrary;
  /** Absent: the answer is extractive. */
  writer?: Writer;
  /** Said with an extractive answer: why there is no prose ("the model process ended"). */
  whyExtractive?: string;
  /**
   * The workspace's memories, once there are some: they rank what is found, and the answer is read in one context of
   * all of them.
   */
  memory?: WorkspaceMemory;
  emit?: (event: AnswerEvent) => void;
  signal?: AbortSignal;
}

const SPANS = 30;
/** Tokens of the line that the bundled model may write beside a quoted answer. */
const GENERATED_TOKENS = 64;
const EXTRACTIVE: Author = { kind: 'extractive' };

/**
 * @throws AppError('cancelled') when stopped before anything was written; later, what was written is returned
 *   with a notice.
 */
export async function ask(request: AskRequest, tools: AskTools): Promise<Answer> {
  const { emit = () => {}, signal } = tools;
  const started = performance.now();
  throwIfCancelled(signal);
  if (request.question.trim() === '')
    throw new AppError('internal', 'The question is empty.', 'Type a question about the code.');

  emit({ type: 'phase', phase: 'retrieving' });
  const found = await retrieve(request, tools);
  const { spans, coverage } = found;
  emit({ type: 'spans', spans, coverage });
  const draft: Draft = { ...found, request, started, retrieved: performance.now() };

  if (tools.writer && spans.length > 0) {
    try {
      return await inProse(draft, tools.writer, tools);
    } catch (error) {
      if (signal?.aborted || (error instanceof AppError && error.code === 'contextFull')) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      return extractively(
        draft,
        tools,
        `The model could not write this answer (${reason}), so it quotes the sources instead.`,
      );
    }
  }
  // A model is not asked about nothing.
  return extractively(
    draft,
    tools,
    tools.writer ? 'Nothing was found for the model to read, so it was not asked.' : tools.whyExtractive,
  );
}

interface Found {
  spans: readonly RankedSpan[];
  coverage: Coverage;
  /** What the context over the whole workspace is to hold, where the model with memories is to read it. */
  selection?: ContextSelection;
  /** Why memories were not used although there are some. */
  trouble?: string;
}

interface Draft extends Found {
  request: AskRequest;
  /** performance.now() */
  started: number;
  retrieved: number;
}

async function retrieve(request: AskRequest, tools: AskTools): Promise<Found> {
  const { library, memory, signal } = tools;
  const found =
    (memory && (await retrieveWithMemories(request, memory, tools))) ??
    (await library.search(request.question, { scope: request.scope, limit: SPANS, before: leansOn(request), signal }));
  throwIfCancelled(signal);
  if (request.scope.kind !== 'selection' || found.spans.length > 0) return found;
  // A selection is what the question is about even if it shares no word with it.
  const { file, startLine, endLine } = request.scope;
  const document = await library.read(file);
  const text = textOfLines(splitLines(document.text), startLine, endLine);
  return {
    ...found,
    spans: [
      {
        file,
        path: document.path,
        startLine,
        endLine,
        score: 1,
        breadcrumb: [],
        reasons: [],
        text,
        language: document.language,
      },
    ],
  };
}

/**
 * A model that writes prose reads what it quotes; without one, the model of the memories reads the composed context.
 */
async function retrieveWithMemories(
  { question, scope, ...request }: AskRequest,
  memory: WorkspaceMemory,
  { library, writer, signal }: AskTools,
): Promise<Found | undefined> {
  const before = leansOn({ question, scope, ...request });
  const asked = { question, before, scope, maxNewTokens: GENERATED_TOKENS, turn: true };
  const composing = {
    library: { search: library.search.bind(library), indexed: memory.indexed.bind(memory) },
    memories: memory.memories,
    engine: memory.engine,
    signal,
  };
  try {
    if (writer) return await retrieveFused(asked, composing);
    const selection = await selectContext(asked, composing);
    return { spans: selection.spans, coverage: selection.coverage, selection };
  } catch (error) {
    if (signal?.aborted) return undefined;
    const found = await library.search(question, { scope, limit: SPANS, before, signal });
    return {
      ...found,
      trouble: `The workspace's memories could not be used (${error instanceof Error ? error.message : String(error)}).`,
    };
  }
}

/** The question that a follow-up ("and where is it called?") is searched with. */
function leansOn({ question, previous }: AskRequest): string | undefined {
  const last = previous?.[previous.length - 1];
  if (!last) return undefined;
  const parsed = parseQuestion(question);
  const leans =
    parsed.names.length === 0 &&
    (parsed.terms.size <= 3 || /\b(it|its|that|this|they|them|those|there|same)\b/i.test(question));
  return leans ? last.question : undefined;
}

async function extractively(draft: Draft, tools: AskTools, why?: string): Promise<Answer> {
  const { emit = () => {}, library, signal } = tools;
  const { request, spans, coverage, trouble } = draft;
  // The model reads in its own process while the answer is being quoted in this one.
  const reading = readAlong(draft, tools);
  emit({ type: 'phase', phase: 'writing' });
  const parsed = parseQuestion(request.question, library.ownNames);
  const answer = await answerFromSources(parsed, spans, library, { scope: request.scope, signal });
  throwIfCancelled(signal);
  const firstToken = performance.now() - draft.started;
  const checked = await checkMarkdown(answer.blocks.join('\n\n'), answer.citations, library);
  for (const citation of checked.citations) emit({ type: 'citation', citation });
  emit({ type: 'delta', markdown: checked.markdown });
  const { composed, line, said } = await reading;
  const block = line === undefined ? '' : `\n\n${generatedBlock(line, tools.memory?.author ?? EXTRACTIVE)}`;
  if (block !== '') emit({ type: 'delta', markdown: block });
  const ledger = composed?.ledger ?? quotedLedger(draft, checked.citations);
  emit({ type: 'ledger', ledger });
  const notices = [
    why ?? said,
    ...(trouble === undefined ? [] : [trouble]),
    ...coverageNotice(coverage),
    ...answer.notices,
    ...(ledger.left
      ? [`Chosen to be read, and left out for room or because it changed meanwhile: ${named(ledger.left)}.`]
      : []),
    ...(checked.removed.length > 0 ? [`Citations removed: ${checked.removed.join(' ')}`] : []),
    ...(signal?.aborted ? ['Stopped.'] : []),
  ];
  const { splice, read, decode } = composed?.timing ?? { splice: 0, read: 0, decode: 0 };
  return {
    id: request.id,
    question: request.question,
    scope: request.scope,
    markdown: `${checked.markdown}${block}`,
    citations: checked.citations,
    spans,
    author: EXTRACTIVE,
    coverage,
    ledger,
    notices,
    timing: {
      retrieve: draft.retrieved - draft.started,
      splice,
      read,
      decode,
      firstToken,
      total: performance.now() - draft.started,
    },
  };
}

/**
 * What the model of the memories makes of the whole context: a line where it is sure of one, and in any case the
 * ledger. Never fails.
 */
async function readAlong(
  { selection }: Draft,
  { memory, emit = () => {}, signal }: AskTools,
): Promise<{ composed?: ComposedContext; line?: string; said: string }> {
  if (!memory) return { said: 'No model is installed, so this answer quotes the sources instead of writing prose.' };
  if (!selection) return { said: 'This answer quotes the sources instead of writing prose.' };
  const model = memory.author.kind === 'extractive' ? 'The model' : memory.author.model;
  try {
    const composed = await readContext(selection, memory.engine, {
      signal,
      onLedger: (ledger) => emit({ type: 'ledger', ledger }),
    });
    const read = selection.request.full.map(({ text }) => text).join('\n');
    const line = presentable(composed, `${selection.request.question}\n${read}`);
    if (line !== undefined)
      return {
        composed,
        line,
        said: `This answer quotes the sources; the line marked as generated is what ${model} makes of them.`,
      };
    return {
      composed,
      said: `This answer quotes the sources: ${model} has read them and was not sure enough of a sentence of its own.`,
    };
  } catch (error) {
    return {
      said: `This answer quotes the sources: ${model} could not read them (${error instanceof Error ? error.message : String(error)}).`,
    };
  }
}

async function inProse(draft: Draft, writer: Writer, tools: AskTools): Promise<Answer> {
  const { emit = () => {}, library, signal } = tools;
  const { request, spans, coverage } = draft;
  emit({ type: 'phase', phase: 'reading' });
  const composed = await composeChat(request.question, spans, request.previous ?? [], writer, library, signal);
  emit({ type: 'ledger', ledger: await ledgerOf(composed, writer) });
  for (const citation of composed.used) emit({ type: 'citation', citation });
  let writing = false;
  const answer = await writeProse(composed, writer, library, {
    signal,
    onText: (text) => {
      if (!writing) emit({ type: 'phase', phase: 'writing' });
      writing = true;
      emit({ type: 'delta', markdown: text });
    },
  });
  if (answer.written.stopped === 'cancelled' && answer.markdown === '') throwIfCancelled(signal);
  const ledger = await ledgerOf(composed, writer, answer.written);
  emit({ type: 'ledger', ledger });
  const { read, decode } = answer.written.timing;
  const splice = answer.written.quotes?.splice ?? 0;
  const total = performance.now() - draft.started;
  const firstToken = total - splice - read - decode + answer.written.timing.firstToken;
  return {
    id: request.id,
    question: request.question,
    scope: request.scope,
    markdown: answer.markdown,
    citations: answer.citations,
    spans,
    author: writer.author,
    coverage,
    ledger,
    notices: [...coverageNotice(coverage), ...answer.notices],
    timing: { retrieve: draft.retrieved - draft.started, splice, read, decode, firstToken, total },
  };
}

function coverageNotice(coverage: Coverage): string[] {
  const { indexing, held, filesIndexed, filesKnown } = coverage;
  if (filesIndexed === 0 && !indexing && held === undefined)
    return ['No file of this workspace is indexed: it is empty, or a rule leaves out what is in it.'];
  // A first pass that was cancelled before it had looked around does not know how many files there are.
  if (held === 'cancelled' && filesIndexed >= filesKnown)
    return [`Indexing was cancelled: this answer draws on the ${counted(filesIndexed, 'file')} indexed before.`];
  if ((!indexing && held === undefined) || filesIndexed >= filesKnown) return [];
  const state = held === 'cancelled' ? 'was cancelled' : held === 'paused' ? 'is paused' : 'is still running';
  return [
    `Indexing ${state}: this answer draws on ${filesIndexed.toLocaleString('en-US')} of ${counted(filesKnown, 'file')}.`,
  ];
}

/** Where no model read anything nothing is held in a context; the panel is told what is counted instead. */
function quotedLedger(draft: Draft, citations: readonly Citation[]): ContextLedger {
  const found = draft.spans.reduce((sum, span) => sum + span.text.length, 0);
  const groups = citations.map(({ text, file, path, startLine, endLine }): LedgerGroup => ({
    kind: 'full',
    rows: text.length,
    tokens: text.length,
    bytes: 0,
    span: { file, path, startLine, endLine },
  }));
  const quoted = groups.reduce((sum, group) => sum + group.rows, 0);
  return {
    groups,
    capacityRows: Math.max(found, quoted),
    bytesPerRow: 0,
    note: 'No model read this: the figures count characters, quoted of all that was retrieved.',
  };
}
