/** `search --queries`: reads questions as JSON lines and writes the results as JSON lines, in the same order. */
import { open } from 'node:fs/promises';
import type { ReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { AppError } from '../base';
import type { Scope } from '../protocol';
import { UsageError } from './arguments';
import type { Session } from './session';
import { writeJson } from './write';

export interface Query {
  id: string | number;
  question: string;
}

/** Parses one line. @throws UsageError naming the invalid line */
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

/**
 * Reads the questions of a file (`-`: stdin).
 * @throws UsageError naming the invalid line, AppError when the file cannot be read
 */
export async function readQueries(file: string): Promise<Query[]> {
  const queries: Query[] = [];
  let number = 0;
  try {
    for await (const line of createInterface({
      input: file === '-' ? process.stdin : await opened(file),
      crlfDelay: Infinity,
    })) {
      number += 1;
      if (line.trim() !== '') queries.push(parseQuery(line, number));
    }
  } catch (error) {
    throw error instanceof UsageError ? error : unreadable(file, error);
  }
  return queries;
}

async function opened(file: string): Promise<ReadStream> {
  return (await open(file)).createReadStream();
}

function unreadable(file: string, error: unknown): AppError {
  const { code } = error as NodeJS.ErrnoException;
  const why =
    code === 'ENOENT' || code === 'ENOTDIR'
      ? 'there is no such file'
      : code === 'EISDIR'
        ? 'it is a folder'
        : code === 'EACCES' || code === 'EPERM'
          ? 'permission denied'
          : String(code ?? error);
  return new AppError(
    'fileUnreadable',
    `The questions in ${file} cannot be read: ${why}.`,
    'Each line looks like {"id":1,"question":"…"}.',
    { cause: error },
  );
}

export async function answerQueries(
  queries: readonly Query[],
  { answering, progress }: Session,
  options: { scope: Scope; limit: number; signal: AbortSignal },
): Promise<void> {
  for (const [index, { id, question }] of queries.entries()) {
    const { spans } = await answering.search(question, options);
    const found = spans.map(({ path, startLine, endLine, score }) => ({ path, startLine, endLine, score }));
    await writeJson({ id, spans: found });
    progress.update((index + 1) / queries.length, `${index + 1} of ${queries.length} questions`);
  }
  progress.done();
}
