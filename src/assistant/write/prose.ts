/**
 * The answer in prose: numbered spans and the question go to the model in a chat, within a budget counted in the
 * model's own tokens. What did not fit is named. Every citation the model writes is checked; what fails the check is
 * taken away.
 */
import type { Citation, ContextLedger, LedgerGroup, RankedSpan, Span } from '../../protocol';
import { checkMarkdown, CitationList } from '../citations';
import { AppError, counted, splitLines, textOfLines, throwIfCancelled } from '../../base';
import { excerptOf } from '../quote/excerpt';
import type { AssistantLibrary } from '../library';
import type { ChatMessage, Writer, Written } from './writer';

export interface Turn {
  question: string;
  answer: string;
}

const SYSTEM = [
  'You answer questions about the source files quoted below. Use only what they say.',
  'After each sentence put the number of the quote it rests on, like [1]. Put names of code in backticks.',
  'If the quotes do not answer the question, say so in one sentence.',
].join(' ');

/** A prompt that fits, and what it holds. */
export interface Composed {
  chat: ChatMessage[];
  promptTokens: number;
  maxNewTokens: number;
  used: readonly Citation[];
  /** Spans of which there was room for some lines only. */
  inPart: readonly RankedSpan[];
  /** Spans that are not quoted: rows are to stand for them. */
  anchored: readonly Quoted[];
  /** Spans that did not fit, best first. */
  dropped: readonly RankedSpan[];
  turnsDropped: number;
}

/** Room kept for the answer: a quarter of the context, at most this many tokens. */
const ANSWER_TOKENS = 768;
/**
 * A part of a span is worth reading from so many tokens on; of its room so much is used, for how many tokens its lines
 * have is known of the whole only.
 */
const LEAST_PART = 64;
const PART_FILLED = 0.9;
/**
 * Share of the room that is kept for anchors where not everything can be quoted, and the tokens that are encoded for
 * them at most: the first word waits for it.
 */
const ANCHOR_SHARE = 1 / 16;
const MOST_ANCHORED = 1_024;

/**
 * The best spans that fit, in order of rank. Of the first that does not fit the lines around the match are read; where
 * there is too little room for that, a later, shorter one may still go in. Old turns of the conversation are dropped
 * before the best span is.
 * @throws AppError('contextFull') when the question alone does not fit.
 */
export async function composeChat(
  question: string,
  spans: readonly RankedSpan[],
  previous: readonly Turn[],
  writer: Writer,
  library: Pick<AssistantLibrary, 'read'>,
  signal?: AbortSignal,
): Promise<Composed> {
  const maxNewTokens = Math.max(16, Math.min(ANSWER_TOKENS, Math.floor(writer.contextTokens / 4)));
  const room = writer.contextTokens - maxNewTokens;
  const count = async (chat: ChatMessage[]): Promise<number> =>
    (await writer.countChats([chat], signal))[0] ?? Infinity;

  const bare = chatOf(question, [], []);
  const bareTokens = await count(bare);
  if (bareTokens > room) {
    throw new AppError(
      'contextFull',
      `The question takes ${counted(bareTokens, 'token')}; the model has room for ${room}.`,
      'Ask a shorter question, or choose a model with a longer context.',
    );
  }

  let turns = [...previous];
  while (turns.length > 0 && (await count(chatOf(question, [], turns))) > room / 2) turns = turns.slice(1);

  const candidates = await readCitations(spans, library, signal);
  const before = turns.length > 0 ? await count(chatOf(question, [], turns)) : bareTokens;
  const costs = await costsOf(
    candidates.map(({ citation }) => citation),
    writer,
    signal,
  );
  const whole = fitted(candidates, costs, before, room, question);
  // Where not everything fits, some room is kept for rows that stand for the rest.
  const reserve = writer.anchorTokens === undefined || whole.dropped.length === 0 ? 0 : Math.floor(room * ANCHOR_SHARE);
  const fit = reserve === 0 ? whole : fitted(candidates, costs, before, room - reserve, question);
  let { used } = fit;
  const dropped = [...fit.dropped];
  const quotes = (): Citation[] => used.map(({ citation }, index) => ({ ...citation, number: index + 1 }));
  // Tokens are not additive; the sum is only a forecast. What is sent is counted as it will be read.
  let promptTokens = used.length > 0 ? await count(chatOf(question, quotes(), turns)) : before;
  while (promptTokens > room - reserve && used.length > 0) {
    dropped.unshift(used.at(-1) as Quoted);
    used = used.slice(0, -1);
    promptTokens = await count(chatOf(question, quotes(), turns));
  }
  const anchored =
    used.length === 0
      ? []
      : takeAnchored(
          dropped,
          (each) => costs[candidates.findIndex(({ span }) => span === each.span)] ?? Infinity,
          reserve,
          writer.anchorTokens ?? Infinity,
        );
  const numbered = quotes();
  return {
    chat: chatOf(question, numbered, turns),
    promptTokens,
    maxNewTokens,
    used: numbered,
    inPart: fit.inPart.filter((span) => !dropped.some((each) => each.span === span)),
    anchored,
    dropped: dropped.filter((each) => !anchored.includes(each)).map(({ span }) => span),
    turnsDropped: previous.length - turns.length,
  };
}

interface Quoted {
  citation: Citation;
  span: RankedSpan;
}

interface Fitted {
  used: Quoted[];
  inPart: RankedSpan[];
  dropped: Quoted[];
}

/** What of the candidates fits, by the tokens that each is thought to add. */
function fitted(
  candidates: readonly Quoted[],
  costs: readonly number[],
  before: number,
  room: number,
  question: string,
): Fitted {
  const fit: Fitted = { used: [], inPart: [], dropped: [] };
  let estimate = before;
  candidates.forEach((candidate, index) => {
    const cost = costs[index] ?? Infinity;
    const part =
      estimate + cost > room && fit.inPart.length === 0
        ? partOf(candidate, question, room - estimate, cost)
        : undefined;
    if (part) fit.inPart.push(candidate.span);
    if (part || estimate + cost <= room) {
      estimate = part ? room : estimate + cost;
      fit.used.push(part ?? candidate);
    } else fit.dropped.push(candidate);
  });
  return fit;
}

/** The best of those for which there is no room as quotes. */
function takeAnchored(
  dropped: readonly Quoted[],
  costOf: (quoted: Quoted) => number,
  rows: number,
  anchorTokens: number,
): Quoted[] {
  let tokens = Math.min(rows * anchorTokens, MOST_ANCHORED);
  return dropped.filter((quoted) => {
    const cost = costOf(quoted);
    if (cost > tokens) return false;
    tokens -= cost;
    return true;
  });
}

/**
 * The lines of a span around what meets the question, for so many tokens; undefined when that is too little to say
 * anything.
 */
function partOf({ citation, span }: Quoted, question: string, tokens: number, cost: number): Quoted | undefined {
  if (tokens < LEAST_PART) return undefined;
  const found = excerptOf(citation.text, question, Math.floor((PART_FILLED * tokens * citation.text.length) / cost));
  if (!found) return undefined;
  const startLine = citation.startLine + found.firstLine;
  const endLine = citation.startLine + found.lastLine;
  const text = citation.text.slice(found.start, found.end).replace(/\n$/, '');
  return { citation: new CitationList().cite({ ...citation, startLine, endLine, text }), span };
}

/** Reads each span as it is now; one that is gone since it was indexed is left out, the index will follow. */
async function readCitations(
  spans: readonly RankedSpan[],
  library: Pick<AssistantLibrary, 'read'>,
  signal?: AbortSignal,
): Promise<Quoted[]> {
  const list = new CitationList();
  const read: Quoted[] = [];
  for (const span of spans) {
    throwIfCancelled(signal);
    try {
      const lines = splitLines((await library.read(span.file)).text);
      if (span.startLine > lines.length) continue;
      const endLine = Math.min(span.endLine, lines.length);
      const text = textOfLines(lines, span.startLine, endLine);
      const citation = list.cite({
        file: span.file,
        path: span.path,
        startLine: span.startLine,
        endLine,
        text,
        label: span.breadcrumb.join('.') || span.path,
      });
      if (!read.some((each) => each.citation === citation)) read.push({ citation, span });
    } catch {
      continue;
    }
  }
  return read;
}

/** Tokens that each quote adds to a prompt, header line included. */
async function costsOf(citations: readonly Citation[], writer: Writer, signal?: AbortSignal): Promise<number[]> {
  const alone = (content: string): ChatMessage[] => [{ role: 'user', content }];
  const [empty = 0, ...counts] = await writer.countChats(
    [alone(''), ...citations.map((citation, index) => alone(quoteOf(citation, index + 1)))],
    signal,
  );
  return counts.map((tokens) => Math.max(0, tokens - empty));
}

function quoteOf(citation: Citation, number: number): string {
  return `[${number}] ${citation.path} lines ${citation.startLine}-${citation.endLine}\n${citation.text}\n`;
}

function chatOf(question: string, citations: readonly Citation[], turns: readonly Turn[]): ChatMessage[] {
  const quotes = citations.map((citation, index) => quoteOf(citation, index + 1)).join('\n');
  return [
    { role: 'system', content: SYSTEM },
    ...turns.flatMap((turn): ChatMessage[] => [
      { role: 'user', content: turn.question },
      { role: 'assistant', content: turn.answer },
    ]),
    { role: 'user', content: quotes ? `${quotes}\nQuestion: ${question}` : `Question: ${question}` },
  ];
}

export interface ProseAnswer {
  markdown: string;
  citations: readonly Citation[];
  notices: string[];
  written: Written;
}

/** Writes the answer and checks it. Text is streamed as it comes; the returned Markdown is the checked one. */
export async function writeProse(
  composed: Composed,
  writer: Writer,
  library: Pick<AssistantLibrary, 'read'>,
  options: { signal?: AbortSignal; onText: (text: string) => void },
): Promise<ProseAnswer> {
  const written = await writer.write(composed.chat, {
    maxNewTokens: composed.maxNewTokens,
    signal: options.signal,
    onText: options.onText,
    quotes: composed.used.map(({ text }) => text),
    ...(composed.anchored.length > 0 ? { anchors: composed.anchored.map(({ citation }) => citation.text) } : {}),
  });
  const checked = await checkMarkdown(written.text.trim(), composed.used, library);
  const notices: string[] = [];
  if (checked.removed.length > 0) notices.push(`Citations removed: ${checked.removed.join(' ')}`);
  if (checked.citations.length === 0 && composed.used.length > 0)
    notices.push('The model cited no source that holds what it says: read the spans before relying on this answer.');
  if (written.stopped === 'length')
    notices.push(`The answer was cut at ${counted(written.newTokens, 'token')}, the room left for it.`);
  if (written.stopped === 'cancelled') notices.push('Stopped.');
  if (composed.inPart.length > 0)
    notices.push(`${counted(composed.inPart.length, 'span')} read in part for room: ${named(composed.inPart)}.`);
  const held = composed.anchored.filter((_, i) => (written.quotes?.anchors[i]?.rows ?? 0) > 0).map(({ span }) => span);
  if (held.length > 0)
    notices.push(
      `${counted(held.length, 'span')} not quoted for room, and held as a row for a few words each: ${named(held)}.`,
    );
  const dropped = [
    ...composed.anchored.map(({ span }) => span).filter((span) => !held.includes(span)),
    ...composed.dropped,
  ];
  if (dropped.length > 0) notices.push(`${counted(dropped.length, 'span')} left out for room: ${named(dropped)}.`);
  if (composed.turnsDropped > 0)
    notices.push(`${counted(composed.turnsDropped, 'earlier question')} left out for room.`);
  return { markdown: checked.markdown, citations: checked.citations, notices, written };
}

/** The first few by name. */
export function named(spans: readonly Span[]): string {
  const names = spans.slice(0, 5).map(({ path, startLine, endLine }) => `${path}:${startLine}–${endLine}`);
  return `${names.join(', ')}${spans.length > 5 ? ' …' : ''}`;
}

/** What the context held: each quoted span in full, the question with the instructions, the answer. */
export async function ledgerOf(composed: Composed, writer: Writer, written?: Written): Promise<ContextLedger> {
  const costs = await costsOf(composed.used, writer);
  const group = (kind: LedgerGroup['kind'], rows: number): LedgerGroup => ({
    kind,
    rows,
    tokens: rows,
    bytes: rows * writer.bytesPerRow,
    origin: 'computed',
  });
  const groups = composed.used.map((citation, index): LedgerGroup => ({
    ...group('full', costs[index] ?? 0),
    ...(written?.quotes?.origins[index] === 'memory' ? { origin: 'memory' } : {}),
    span: { file: citation.file, path: citation.path, startLine: citation.startLine, endLine: citation.endLine },
  }));
  composed.anchored.forEach(({ citation: { file, path, startLine, endLine } }, index) => {
    const { rows = 0, tokens = 0, origin } = written?.quotes?.anchors[index] ?? {};
    if (rows > 0)
      groups.push({
        ...group('anchors', rows),
        tokens,
        origin: origin ?? 'computed',
        span: { file, path, startLine, endLine },
      });
  });
  // The question's group takes the remainder, so that the sum is what was read.
  const quoted = groups.reduce((sum, each) => sum + each.rows, 0);
  groups.push(
    group('question', Math.max(0, (written?.promptTokens ?? composed.promptTokens) - quoted)),
    group('answer', written?.newTokens ?? 0),
  );
  return {
    groups,
    capacityRows: writer.contextTokens,
    bytesPerRow: writer.bytesPerRow,
    ...(written?.quotes ? { cache: written.quotes.cache } : {}),
  };
}
