/** `search --queries`: JSON lines in, JSON lines out, in the order they came. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Scope } from '../protocol';
import { UsageError } from './arguments';
import type { Session } from './session';
import { write } from './write';

export interface Query {
  id: string | number;
  question: string;
}

/** @throws UsageError naming the line that is no query. */
export function parseQuery(line: string, number: number): Query {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UsageError(`Line ${number} is not JSON: ${line.slice(0, 60)}`, 'search');
  }
  const { id, question } = (value ?? {}) as Partial<Query>;
  if (typeof question !== 'string' || (typeof id !== 'string' && typeof id !== 'number')) {
    throw new UsageError(`Line ${number} needs an "id" and a "question".`, 'search');
  }
  return { id, question };
}

export async function answerQueries(file: string, { library, progress }: Session, options: { scope: Scope; limit: number; signal: AbortSignal }): Promise<void> {
  const queries: Query[] = [];
  const input = file === '-' ? process.stdin : createReadStream(file);
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    number += 1;
    if (line.trim() !== '') queries.push(parseQuery(line, number));
  }
  for (const [index, { id, question }] of queries.entries()) {
    const { spans } = await library.search(question, options);
    const found = spans.map(({ path, startLine, endLine, score }) => ({ path, startLine, endLine, score }));
    await write(JSON.stringify({ id, spans: found }));
    progress.update((index + 1) / queries.length, `${index + 1} of ${queries.length} questions`);
  }
  progress.done();
}
