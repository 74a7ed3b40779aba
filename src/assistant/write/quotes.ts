/** Spans as a model reads them: quoted, numbered and counted in its own tokens. */
import type { ChatMessage, Citation, RankedSpan, Writer } from '../../protocol';
import { splitLines, textOfLines, throwIfCancelled } from '../../base';
import { CitationList } from '../citations';
import type { AssistantLibrary } from '../library';

export interface Turn {
  question: string;
  answer: string;
}

/** A span with a citation of its present text. */
export interface Quoted {
  citation: Citation;
  span: RankedSpan;
}

const SYSTEM = [
  'You answer questions about the source files quoted below. Use only what they say.',
  'After each sentence put the number of the quote it rests on, like [1]. Put names of code in backticks.',
  'If the quotes do not answer the question, say so in one sentence.',
].join(' ');

/** Reads the present text of each span. A span that was deleted since indexing is left out. */
export async function readCitations(
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

/** Tokens that each quote adds to a prompt, including its header line. */
export async function costsOf(citations: readonly Citation[], writer: Writer, signal?: AbortSignal): Promise<number[]> {
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

/** The chat of a question with its quotes, after earlier turns. */
export function chatOf(question: string, citations: readonly Citation[], turns: readonly Turn[]): ChatMessage[] {
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
