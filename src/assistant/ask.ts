/**
 * Answers a question: search, gather evidence, write, verify. A chosen model writes prose. Without one the answer
 * quotes the sources. If no source answers the question, the answer is one line that says so.
 */
import type { Answer, Author, Citation, ContextLedger, Coverage, LedgerGroup, Writer } from '../protocol';
import { AppError, counted, throwIfCancelled } from '../base';
import { questionOf, searchFor, type Found } from './ask-search';
import type { AskRequest, AskTools } from './ask-tools';
import { checkMarkdown } from './citations';
import { code, enumerate } from './facts';
import type { Question } from '../search';
import { gatherEvidence, noMatch, type Evidence } from './quote/evidence';
import { answerFromSources } from './quote/extractive';
import { composeChat } from './write/compose-chat';
import { writeProse } from './write/prose';
import { proseLedger } from './write/prose-ledger';

const EXTRACTIVE: Author = { kind: 'extractive' };

/** A question while it is being answered. Times are `performance.now()` values. */
interface Draft {
  request: AskRequest;
  question: Question;
  found: Found;
  evidence: Evidence;
  started: number;
  retrieved: number;
}

/**
 * @throws AppError('cancelled') if stopped before the first words. If stopped later, the partial answer is returned
 * with a notice.
 */
export async function ask(request: AskRequest, tools: AskTools): Promise<Answer> {
  const { emit = () => {}, library, writer, signal } = tools;
  const started = performance.now();
  throwIfCancelled(signal);
  if (request.question.trim() === '')
    throw new AppError('internal', 'The question is empty.', 'Type a question about the code.');

  emit({ type: 'phase', phase: 'retrieving' });
  const found = await searchFor(request, tools);
  emit({ type: 'spans', spans: found.spans, coverage: found.coverage });
  const retrieved = performance.now();
  const question = questionOf(request, library);
  const evidence = await gatherEvidence(question, found.spans, library, { scope: request.scope, signal });
  const draft: Draft = { request, question, found, evidence, started, retrieved };

  if (!evidence.answers) return withoutMatch(draft, tools);
  if (!writer) return quoted(draft, tools, tools.whyExtractive);
  try {
    return await inProse(draft, writer, tools);
  } catch (error) {
    if (signal?.aborted || (error instanceof AppError && error.code === 'contextFull')) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return quoted(draft, tools, `The model could not write this answer, so it quotes your files: ${reason}`);
  }
}

async function quoted(draft: Draft, tools: AskTools, why?: string): Promise<Answer> {
  const { emit = () => {}, library, signal } = tools;
  emit({ type: 'phase', phase: 'writing' });
  const { blocks, citations } = await answerFromSources(draft.question, draft.evidence, library, signal);
  throwIfCancelled(signal);
  const notices = [...(why === undefined ? [] : [why]), ...unknownNamesNotice(draft.evidence)];
  return deliver(draft, { markdown: blocks.join('\n\n'), citations, notices }, tools);
}

async function withoutMatch(draft: Draft, tools: AskTools): Promise<Answer> {
  const { markdown, citations } = noMatch(draft.evidence, draft.request.scope);
  return deliver(draft, { markdown, citations, notices: unknownNamesNotice(draft.evidence) }, tools);
}

/** Verifies a quoted answer and sends it. The ledger follows the text, because no reader waits for it. */
async function deliver(
  draft: Draft,
  text: { markdown: string; citations: readonly Citation[]; notices: readonly string[] },
  { emit = () => {}, library, signal }: AskTools,
): Promise<Answer> {
  const { request, found, started, retrieved } = draft;
  const { spans, coverage, trouble } = found;
  const { markdown, citations, removed } = await checkMarkdown(text.markdown, text.citations, library);
  const firstToken = performance.now() - started;
  for (const citation of citations) emit({ type: 'citation', citation });
  emit({ type: 'delta', markdown });
  const ledger = (await found.planLedger?.().catch(() => undefined)) ?? quotedLedger(draft, citations);
  emit({ type: 'ledger', ledger });
  return {
    id: request.id,
    question: request.question,
    scope: request.scope,
    markdown,
    citations,
    spans,
    author: EXTRACTIVE,
    coverage,
    ledger,
    notices: [
      ...(trouble === undefined ? [] : [trouble]),
      ...coverageNotice(coverage),
      ...text.notices,
      ...(removed.length > 0 ? [`Citations removed: ${removed.join(' ')}`] : []),
      ...(signal?.aborted ? ['Stopped.'] : []),
    ],
    timing: {
      retrieve: retrieved - started,
      splice: 0,
      read: 0,
      decode: 0,
      firstToken,
      total: performance.now() - started,
    },
  };
}

async function inProse(draft: Draft, writer: Writer, tools: AskTools): Promise<Answer> {
  const { emit = () => {}, library, signal } = tools;
  const { request, found, started, retrieved } = draft;
  const { spans, coverage } = found;
  emit({ type: 'phase', phase: 'reading' });
  const composed = await composeChat(request.question, spans, request.previous ?? [], writer, library, signal);
  emit({ type: 'ledger', ledger: await proseLedger(composed, writer) });
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
  const ledger = await proseLedger(composed, writer, answer.written);
  emit({ type: 'ledger', ledger });
  const { read, decode, firstToken } = answer.written.timing;
  const splice = answer.written.quotes?.splice ?? 0;
  const total = performance.now() - started;
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
    timing: {
      retrieve: retrieved - started,
      splice,
      read,
      decode,
      firstToken: total - splice - read - decode + firstToken,
      total,
    },
  };
}

/** Names the identifiers in the question that no indexed file contains. */
function unknownNamesNotice({ unknownNames }: Evidence): string[] {
  if (unknownNames.length === 0) return [];
  const verb = unknownNames.length === 1 ? 'does' : 'do';
  return [`${enumerate(unknownNames.map(code))} ${verb} not occur in the indexed files.`];
}

/** Notice that the answer did not use the whole workspace. */
function coverageNotice({ indexing, held, filesIndexed, filesKnown }: Coverage): string[] {
  if (filesIndexed === 0 && !indexing && held === undefined)
    return ['No file of this workspace is indexed. The workspace is empty, or its ignore rules exclude every file.'];
  const state = held === 'cancelled' ? 'was cancelled' : held === 'paused' ? 'is paused' : 'is still running';
  // A first pass that was paused or cancelled early does not know the number of files.
  if (held !== undefined && filesIndexed >= filesKnown)
    return [`Indexing ${state}. This answer uses the ${counted(filesIndexed, 'file')} indexed so far.`];
  if ((!indexing && held === undefined) || filesIndexed >= filesKnown) return [];
  return [
    `Indexing ${state}. This answer uses ${filesIndexed.toLocaleString('en-US')} of ${counted(filesKnown, 'file')}.`,
  ];
}

/** The ledger without memories: quoted characters among the characters of all spans found. */
function quotedLedger({ found }: Draft, citations: readonly Citation[]): ContextLedger {
  const characters = found.spans.reduce((sum, span) => sum + span.text.length, 0);
  const groups = citations.map(({ text, file, path, startLine, endLine }): LedgerGroup => ({
    kind: 'full',
    rows: text.length,
    tokens: text.length,
    bytes: 0,
    span: { file, path, startLine, endLine },
  }));
  const quotedCharacters = groups.reduce((sum, group) => sum + group.rows, 0);
  return {
    groups,
    capacityRows: Math.max(characters, quotedCharacters),
    bytesPerRow: 0,
    note: 'No model read this. The figures count quoted characters.',
  };
}
