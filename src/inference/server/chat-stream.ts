import { failed } from './http';

/** Longest line of a stream (characters). A token has some hundred. */
const MOST_LINE = 1 << 20;

/** A complete streamed answer. */
export interface Streamed {
  text: string;
  /** Parts with text, which servers send token by token. */
  tokens: number;
  finish: 'stop' | 'length';
}

/**
 * Reads a streamed chat completion: server-sent events with JSON, ended by a reason or `[DONE]`. A stream that breaks
 * off, or says something else, is an error: half an answer could be taken for a whole one.
 *
 * @param most characters after which the stream is ended, whatever the server was asked for
 * @throws AppError('modelFailed')
 */
export async function readChatStream(
  parts: AsyncIterable<Buffer>,
  { host, most, onText }: { host: string; most: number; onText: (text: string) => void },
): Promise<Streamed> {
  const decoder = new TextDecoder('utf-8');
  const made: Streamed = { text: '', tokens: 0, finish: 'stop' };
  let rest = '';
  let isDone = false;
  const take = (line: string): void => {
    const [, data] = /^data:\s*(.*)$/s.exec(line) ?? [];
    // Empty lines, comments and names of events carry nothing.
    if (data === undefined) {
      if (line !== '' && !/^(?::|event:|id:|retry:)/.test(line)) throw failed(host, 'sent something that is no answer');
      return;
    }
    if (data === '[DONE]') {
      isDone = true;
      return;
    }
    const { text, finish } = parse(data, host);
    if (text !== '') {
      made.text += text;
      made.tokens += 1;
      onText(text);
    }
    if (finish === undefined) return;
    made.finish = finish;
    isDone = true;
  };
  for await (const part of parts) {
    rest += decoder.decode(part, { stream: true });
    if (rest.length > MOST_LINE) throw failed(host, 'sent a line without an end');
    const lines = rest.split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!isDone) take(line);
    }
    if (made.text.length > most) return { ...made, finish: 'length' };
    if (isDone) return made;
  }
  if (rest.trim() !== '' && !isDone) take(rest.trim());
  if (!isDone) throw failed(host, 'ended in the middle of its answer');
  return made;
}

interface Chunk {
  choices?: { delta?: { content?: unknown }; finish_reason?: unknown }[];
  error?: { message?: unknown } | string;
}

function parse(data: string, host: string): { text: string; finish: Streamed['finish'] | undefined } {
  let chunk: Chunk | null;
  try {
    chunk = JSON.parse(data) as Chunk | null;
  } catch {
    throw failed(host, 'sent something that is no answer');
  }
  if (chunk?.error !== undefined) {
    const message = typeof chunk.error === 'string' ? chunk.error : String(chunk.error.message ?? '');
    throw failed(host, `reports an error (${message.replace(/\s+/g, ' ').slice(0, 200)})`);
  }
  if (!Array.isArray(chunk?.choices)) throw failed(host, 'sent something that is no answer');
  const [choice] = chunk.choices;
  const content = choice?.delta?.content ?? '';
  if (typeof content !== 'string') throw failed(host, 'sent something that is no answer');
  const reason = choice?.finish_reason;
  return { text: content, finish: reason === 'length' ? 'length' : typeof reason === 'string' ? 'stop' : undefined };
}
