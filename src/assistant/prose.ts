/**
 * The answer in prose: numbered spans and the question go to the model in a chat, within a budget counted in the model's
 * own tokens. What did not fit is named. Every citation the model writes is checked; what fails the check is taken away.
 */
import type { Citation, ContextLedger, LedgerGroup, RankedSpan } from '../protocol';
import { checkMarkdown, CitationList } from './citations';
import { AssistantError, throwIfCancelled } from './errors';
import { counted } from './facts';
import { splitLines, textOfLines } from './lines';
import type { AssistantLibrary } from './library';
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
  /** Spans that did not fit, best first. */
  dropped: readonly RankedSpan[];
  turnsDropped: number;
}

/** Room kept for the answer: a quarter of the context, at most this many tokens. */
const ANSWER_TOKENS = 768;

/**
 * The best spans that fit, in order of rank; a span that does not fit is passed over and a later, shorter one may still
 * go in. Old turns of the conversation are dropped before the best span is.
 * @throws AssistantError('contextFull') when the question alone does not fit.
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
  const count = async (chat: ChatMessage[]): Promise<number> => (await writer.countChats([chat], signal))[0] ?? Infinity;

  const bare = chatOf(question, [], []);
  const bareTokens = await count(bare);
  if (bareTokens > room) {
    throw new AssistantError('contextFull', `The question takes ${counted(bareTokens, 'token')}; the model has room for ${room}.`, 'Ask a shorter question, or choose a model with a longer context.');
  }

  let turns = [...previous];
  while (turns.length > 0 && (await count(chatOf(question, [], turns))) > room / 2) turns = turns.slice(1);

  const candidates = await readCitations(spans, library, signal);
  const before = turns.length > 0 ? await count(chatOf(question, [], turns)) : bareTokens;
  const costs = await costsOf(candidates.map(({ citation }) => citation), writer, signal);
  const used: Citation[] = [];
  const dropped: RankedSpan[] = [];
  let estimate = before;
  candidates.forEach(({ citation, span }, index) => {
    const cost = costs[index] ?? Infinity;
    if (estimate + cost <= room) {
      estimate += cost;
      used.push(citation);
    } else dropped.push(span);
  });
  // Tokens are not additive; the sum is only a forecast. What is sent is counted as it will be read.
  let promptTokens = used.length > 0 ? await count(chatOf(question, used, turns)) : before;
  while (promptTokens > room && used.length > 0) {
    const last = used.pop();
    const span = candidates.find(({ citation }) => citation === last)?.span;
    if (span) dropped.unshift(span);
    promptTokens = await count(chatOf(question, used, turns));
  }
  const numbered = used.map((citation, index) => ({ ...citation, number: index + 1 }));
  return {
    chat: chatOf(question, numbered, turns),
    promptTokens,
    maxNewTokens,
    used: numbered,
    dropped,
    turnsDropped: previous.length - turns.length,
  };
}

/** Reads each span as it is now; one that is gone since it was indexed is left out, the index will follow. */
async function readCitations(
  spans: readonly RankedSpan[],
  library: Pick<AssistantLibrary, 'read'>,
  signal?: AbortSignal,
): Promise<{ citation: Citation; span: RankedSpan }[]> {
  const list = new CitationList();
  const read: { citation: Citation; span: RankedSpan }[] = [];
  for (const span of spans) {
    throwIfCancelled(signal);
    try {
      const lines = splitLines((await library.read(span.file)).text);
      if (span.startLine > lines.length) continue;
      const endLine = Math.min(span.endLine, lines.length);
      const text = textOfLines(lines, span.startLine, endLine);
      const citation = list.cite({ file: span.file, path: span.path, startLine: span.startLine, endLine, text, label: span.breadcrumb.join('.') || span.path });
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
  const [empty = 0, ...counts] = await writer.countChats([alone(''), ...citations.map((citation, index) => alone(quoteOf(citation, index + 1)))], signal);
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
  const written = await writer.write(composed.chat, { maxNewTokens: composed.maxNewTokens, signal: options.signal, onText: options.onText });
  const checked = await checkMarkdown(written.text.trim(), composed.used, library);
  const notices: string[] = [];
  if (checked.removed.length > 0) notices.push(`Citations removed: ${checked.removed.join(' ')}`);
  if (checked.citations.length === 0 && composed.used.length > 0) notices.push('The model cited no source that holds what it says: read the spans before relying on this answer.');
  if (written.stopped === 'length') notices.push(`The answer was cut at ${counted(written.newTokens, 'token')}, the room left for it.`);
  if (written.stopped === 'cancelled') notices.push('Stopped.');
  if (composed.dropped.length > 0) {
    const names = composed.dropped.slice(0, 5).map((span) => `${span.path}:${span.startLine}–${span.endLine}`);
    const rest = composed.dropped.length > 5 ? ' …' : '';
    notices.push(`${counted(composed.dropped.length, 'span')} left out for room: ${names.join(', ')}${rest}.`);
  }
  if (composed.turnsDropped > 0) notices.push(`${counted(composed.turnsDropped, 'earlier question')} left out for room.`);
  return { markdown: checked.markdown, citations: checked.citations, notices, written };
}

/** What the context held: each quoted span in full, the question with the instructions, the answer. */
export async function ledgerOf(composed: Composed, writer: Writer, newTokens: number): Promise<ContextLedger> {
  const costs = await costsOf(composed.used, writer);
  const group = (kind: LedgerGroup['kind'], rows: number): LedgerGroup => ({ kind, rows, tokens: rows, bytes: rows * writer.bytesPerRow, origin: 'computed' });
  const groups = composed.used.map((citation, index): LedgerGroup => ({
    ...group('full', costs[index] ?? 0),
    span: { file: citation.file, path: citation.path, startLine: citation.startLine, endLine: citation.endLine },
  }));
  // The question's group takes the remainder, so that the sum is what was read.
  const quoted = groups.reduce((sum, each) => sum + each.rows, 0);
  groups.push(group('question', Math.max(0, composed.promptTokens - quoted)), group('answer', newTokens));
  return { groups, capacityRows: writer.contextTokens, bytesPerRow: writer.bytesPerRow };
}
