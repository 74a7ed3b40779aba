/** The commits that made lines of a file what they are, from `git log -L`. */
import * as l10n from '@vscode/l10n';
import { dirname, basename } from 'node:path';
import type { Commit, LineHistory } from '../../protocol';
import { AppError } from '../../base';
import { git } from './git';
import { committedLines, hunksOf } from './moved-lines';

const MOST_COMMITS = 12;
/** Characters of a commit's message that are kept. */
const MOST_MESSAGE = 4_000;
const MOST_DIFF = 400_000;
const FIELD = '\u001f';
const RECORD = '\u001e';
const FORMAT = `--format=${RECORD}%H${FIELD}%an${FIELD}%aI${FIELD}%s${FIELD}%b${FIELD}`;

/**
 * Follows the lines through edits and renames, newest commit first.
 * @throws AppError when there is no git, no repository or no commit of the file
 */
export async function lineHistory(
  { file, path, startLine, endLine }: { file: string; path: string; startLine: number; endLine: number },
  signal?: AbortSignal,
): Promise<LineHistory> {
  const [directory, name] = [dirname(file), basename(file)];
  // Outside a repository `git diff` would compare two files of those names.
  await git(directory, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], signal);
  const diff = await git(
    directory,
    ['diff', '--no-color', '--no-ext-diff', '--no-textconv', '-U0', 'HEAD', '--', name],
    signal,
  );
  const lines = committedLines({ startLine, endLine }, hunksOf(diff));
  const span = { file, path, startLine, endLine };
  if (!lines) return { ...span, commits: [], uncommitted: true, more: false };
  const log = await git(
    directory,
    [
      ...['log', '--no-color', '--no-ext-diff', '--no-textconv', '-M', `--max-count=${MOST_COMMITS + 1}`, FORMAT],
      ...['--no-patch', `-L${lines.startLine},${lines.endLine}:${name}`],
    ],
    signal,
  );
  const commits = log.split(RECORD).flatMap((record) => commitOf(record));
  if (commits.length === 0) throw new AppError('notIndexed', l10n.t('{0} has no commit yet.', path));
  return { ...span, commits: commits.slice(0, MOST_COMMITS), uncommitted: false, more: commits.length > MOST_COMMITS };
}

function commitOf(record: string): Commit[] {
  const [hash, author, date, subject, body] = record.split(FIELD);
  if (!hash || author === undefined || date === undefined || subject === undefined) return [];
  return [{ hash: hash.trim(), author, date, subject, body: (body ?? '').trim().slice(0, MOST_MESSAGE) }];
}

/** The message and the changes of a commit to one file. @throws AppError */
export async function commitText(file: string, hash: string, signal?: AbortSignal): Promise<string> {
  if (!/^[0-9a-f]{7,64}$/.test(hash)) throw new AppError('internal', 'This is no commit.');
  const args = ['show', '--no-color', '--no-ext-diff', '--no-textconv', '-M', '--stat', '--patch', hash];
  // The file may have had another name, so the patch of the whole commit is read where this one is empty.
  const text = await git(dirname(file), [...args, '--', basename(file)], signal);
  return (text.trim() === '' ? await git(dirname(file), args, signal) : text).slice(0, MOST_DIFF);
}
