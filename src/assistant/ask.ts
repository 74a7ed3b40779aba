/**
 * Answers a question: search, gather evidence, quote it, write, verify. The quotes are shown at once and are an answer
 * by themselves. A chosen model writes prose above them. If no source answers the question, the answer is one line that
 * says so, and no model writes.
 */
import * as l10n from '@vscode/l10n';
import type {
  Answer,
  AnswerTiming,
  Author,
  Citation,
  ContextLedger,
  Coverage,
  LedgerGroup,
  Written,
} from '../protocol';
import { AppError, formatNumber, messageOf, throwIfCancelled } from '../base';
import type { AskRequest, AskTools } from './ask-tools';
import { checkMarkdown, type CheckedMarkdown, CitationList } from './citations';
import { code, enumerate } from './facts';
import { fileCount } from './phrases';
import { noMatch, type Evidence } from './quote/evidence';
import { answerFromSources } from './quote/extractive';
import { type Draft, retrieve } from './retrieve';
import { asksForChanges, changesBlock } from './history/changes';
import { taskOf } from './write/prompt';
import { onlyPoints } from './write/pointing';
import { writeProse, type Prose } from './write/prose';
import { proseLedger } from './write/prose-ledger';
import { readingFor } from './write/reading';
import type { Unit } from './write/units';

const EXTRACTIVE: Author = { kind: 'extractive' };

/** The quotes as they are shown. */
interface Shown extends CheckedMarkdown {
  notices: readonly string[];
  /** When they were shown. */
  at: number;
}

/** The part of an answer that a model added to the quotes. */
interface Addition {
  prose?: Prose;
  units?: readonly Unit[];
  author?: Author;
  ledger?: ContextLedger;
  notices: readonly string[];
  /** When its first words were shown. */
  firstShown?: number;
}

/**
 * @throws AppError('cancelled') if stopped before the quotes are shown. If stopped later, the answer so far is returned
 * with a notice.
 */
export async function ask(request: AskRequest, tools: AskTools): Promise<Answer> {
  const { emit = () => {}, signal } = tools;
  const started = performance.now() - (request.asked === undefined ? 0 : Math.max(0, Date.now() - request.asked));
  throwIfCancelled(signal);
  if (request.question.trim() === '')
    throw new AppError('internal', l10n.t('The question is empty.'), l10n.t('Type a question about the code.'));

  emit({ type: 'phase', phase: 'retrieving' });
  const draft = await retrieve(request, tools, started);
  throwIfCancelled(signal);
  const shown = await show(draft, tools);
  const planned = await draft.found.planLedger?.().catch(() => undefined);
  if (!draft.evidence.answers || !tools.writer)
    return finished(draft, shown, { ledger: planned ?? quotedLedger(draft, shown.citations), notices: [] }, tools);
  const addition = await inProse(draft, shown, tools).catch((error: unknown): Addition => {
    if (signal?.aborted) return { notices: [] };
    return { notices: [l10n.t('The model could not write: {0}', messageOf(error))] };
  });
  return finished(
    draft,
    shown,
    { ...addition, ledger: addition.ledger ?? planned ?? quotedLedger(draft, shown.citations) },
    tools,
  );
}

/**
 * Reads what a question would have read, so that its answer starts sooner. Nothing is shown.
 *
 * @returns whether there was anything to read
 */
export async function prepareAnswer(request: AskRequest, tools: AskTools): Promise<boolean> {
  const { signal } = tools;
  const draft = await retrieve(request, tools, performance.now());
  if (!draft.evidence.answers || !tools.writer) return false;
  const { writer } = await tools.writer();
  if (!writer?.readAhead) return false;
  const reading = await readingFor(draft.evidence, taskOf(request.question, request.previous ?? []), writer, signal);
  throwIfCancelled(signal);
  if (!reading) return false;
  await writer.readAhead(
    reading.chat,
    reading.units.map(({ quote }) => quote),
    signal,
  );
  return true;
}

/** Shows the quotes. */
async function show(draft: Draft, { emit = () => {}, library, history, signal }: AskTools): Promise<Shown> {
  const { question, evidence, request } = draft;
  emit({ type: 'phase', phase: 'writing' });
  const citations = new CitationList();
  const changes =
    history && asksForChanges(request.question)
      ? await changesBlock(request.question, evidence, history, citations, signal)
      : undefined;
  const blocks = evidence.answers ? await answerFromSources(question, evidence, library, citations, signal) : [];
  const said = [...(changes === undefined ? [] : [changes]), ...blocks];
  const text =
    said.length > 0 ? { markdown: said.join('\n\n'), citations: citations.all } : noMatch(evidence, request.scope);
  throwIfCancelled(signal);
  const checked = await checkMarkdown(text.markdown, text.citations, library);
  const at = performance.now();
  for (const citation of checked.citations) emit({ type: 'citation', citation });
  emit({ type: 'delta', markdown: checked.markdown });
  return { ...checked, at, notices: unknownNamesNotice(evidence) };
}

/** Writes prose above the quotes. */
async function inProse(draft: Draft, shown: Shown, tools: AskTools): Promise<Addition> {
  const { emit = () => {}, library, signal } = tools;
  const { request, evidence } = draft;
  emit({ type: 'phase', phase: 'loading' });
  const { writer, why } = (await tools.writer?.()) ?? {};
  throwIfCancelled(signal);
  if (!writer) return { notices: why === undefined ? [] : [why] };
  emit({ type: 'phase', phase: 'reading' });
  const reading = await readingFor(evidence, taskOf(request.question, request.previous ?? []), writer, signal);
  if (!reading) return { notices: [] };
  const { units, chat } = reading;
  let firstShown: number | undefined;
  const known = new Set(shown.citations.map(({ number }) => number));
  const points = onlyPoints(writer);
  const asked = { chat, units, question: draft.question.text, shown: shown.citations, points };
  const writing = writeProse(asked, writer, library, {
    signal,
    onRead: (read, total) => emit({ type: 'reading', read, total }),
    onProse: (markdown, citations) => {
      if (signal?.aborted) return;
      firstShown ??= performance.now();
      emit({ type: 'phase', phase: 'writing' });
      for (const citation of citations) {
        if (!known.has(citation.number)) emit({ type: 'citation', citation });
        known.add(citation.number);
      }
      emit({ type: 'prose', markdown });
    },
  });
  // The answer ends when the user stops it. The model ends its present run by itself.
  const prose = await untilAborted(writing, signal);
  if (!prose) return { notices: [], ...(firstShown === undefined ? {} : { firstShown }) };
  const ledger = await proseLedger(units, writer, prose.written);
  emit({ type: 'ledger', ledger });
  return {
    ...(prose.markdown === '' ? {} : { prose, author: points ? EXTRACTIVE : writer.author }),
    units,
    ledger,
    notices:
      // Nobody chose the bundled reader: its silence needs no remark.
      prose.markdown === '' && prose.written.stopped !== 'cancelled' && writer.author.kind !== 'bundled'
        ? [l10n.t('What the model wrote is not in the sources, so it is not shown.')]
        : [],
    ...(firstShown === undefined ? {} : { firstShown }),
  };
}

function finished(
  { request, found, started, retrieved }: Draft,
  shown: Shown,
  { prose, author = EXTRACTIVE, ledger, notices, firstShown }: Addition & { ledger: ContextLedger },
  { emit = () => {}, signal }: AskTools,
): Answer {
  const { spans, coverage, trouble } = found;
  emit({ type: 'ledger', ledger });
  return {
    id: request.id,
    question: request.question,
    scope: request.scope,
    ...(prose ? { prose: prose.markdown } : {}),
    markdown: prose ? `${prose.markdown}\n\n${shown.markdown}` : shown.markdown,
    citations: citedIn(prose ? prose.citations : shown.citations, shown.citations, prose?.markdown ?? ''),
    spans,
    author,
    coverage,
    ledger,
    notices: [
      ...(trouble === undefined ? [] : [trouble]),
      ...coverageNotice(coverage),
      ...shown.notices,
      ...notices,
      ...(shown.removed.length > 0 ? [l10n.t('Citations removed: {0}', shown.removed.join(' '))] : []),
      ...(signal?.aborted ? [l10n.t('Stopped.')] : []),
    ],
    timing: timingOf(started, retrieved, firstShown ?? shown.at, prose?.written),
  };
}

function timingOf(started: number, retrieved: number, firstShown: number, written?: Written): AnswerTiming {
  return {
    retrieve: retrieved - started,
    splice: written?.quotes?.splice ?? 0,
    read: written?.timing.read ?? 0,
    decode: written?.timing.decode ?? 0,
    firstToken: firstShown - started,
    total: performance.now() - started,
  };
}

/** The shown citations, and those that the prose refers to after its last check. */
function citedIn(all: readonly Citation[], shown: readonly Citation[], prose: string): readonly Citation[] {
  const numbers = new Set([...prose.matchAll(/\[(\d+)\]/g)].map(([, number]) => Number(number)));
  return all.filter((citation) => shown.includes(citation) || numbers.has(citation.number));
}

/** Undefined once the signal is aborted, even if the work goes on. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (!signal) return work;
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  work.catch(() => {});
  return Promise.race([work, aborted]);
}

/** Names the identifiers in the question that no indexed file contains. */
function unknownNamesNotice({ unknownNames }: Evidence): string[] {
  if (unknownNames.length === 0) return [];
  const names = enumerate(unknownNames.map(code));
  return [
    unknownNames.length === 1
      ? l10n.t('{0} does not occur in the indexed files.', names)
      : l10n.t('{0} do not occur in the indexed files.', names),
  ];
}

/** Notice that the answer did not use the whole workspace. */
function coverageNotice({ indexing, held, filesIndexed, filesKnown }: Coverage): string[] {
  if (filesIndexed === 0 && !indexing && held === undefined)
    return [
      l10n.t('No file of this workspace is indexed. The workspace is empty, or its ignore rules exclude every file.'),
    ];
  const state =
    held === 'cancelled'
      ? l10n.t('Indexing was cancelled.')
      : held === 'paused'
        ? l10n.t('Indexing is paused.')
        : l10n.t('Indexing is still running.');
  // A first pass that was paused or cancelled early does not know the number of files.
  if (held !== undefined && filesIndexed >= filesKnown)
    return [l10n.t('{0} This answer uses the {1} indexed so far.', state, fileCount(filesIndexed))];
  if ((!indexing && held === undefined) || filesIndexed >= filesKnown) return [];
  return [l10n.t('{0} This answer uses {1} of {2}.', state, formatNumber(filesIndexed), fileCount(filesKnown))];
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
    note: l10n.t('No model read this. The figures count quoted characters.'),
  };
}
