/** The commits that made lines of a file what they are, from `git log -L`. */
import * as l10n from '@vscode/l10n';
import { dirname, basename } from 'node:path';
import type { Commit, LineHistory, Span } from '../../protocol';
import { AppError } from '../../base';
import { git } from './git';
import { committedLines, hunksOf } from './moved-lines';

const MOST_COMMITS = 12;
/** Characters of a commit's message that are kept. */
const MOST_MESSAGE = 4_000;
const MOST_DIFF = 400_000;
/** Changes that the search for the first one follows. */
const MOST_FOLLOWED = 200;
/** Options of every command that prints: no colours, and no programs that a repository names. */
const PLAIN = ['--no-color', '--no-ext-diff', '--no-textconv'];
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
  const span = { file, path, startLine, endLine };
  const commits = await changesOf(span, MOST_COMMITS + 1, signal);
  if (!commits) return { ...span, commits: [], uncommitted: true, more: false };
  if (commits.length === 0) throw new AppError('notIndexed', l10n.t('{0} has no commit yet.', path));
  return { ...span, commits: commits.slice(0, MOST_COMMITS), uncommitted: false, more: commits.length > MOST_COMMITS };
}

/**
 * Commits that changed the lines, newest first; undefined when all of the lines are new.
 * @throws AppError when there is no git, no repository or no commit
 */
async function changesOf(
  { file, startLine, endLine }: { file: string; startLine: number; endLine: number },
  most: number,
  signal?: AbortSignal,
): Promise<Commit[] | undefined> {
  const [directory, name] = [dirname(file), basename(file)];
  // Outside a repository `git diff` would compare two files of those names.
  await git(directory, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], signal);
  const diff = await git(directory, ['diff', ...PLAIN, '-U0', 'HEAD', '--', name], signal);
  const lines = committedLines({ startLine, endLine }, hunksOf(diff));
  if (!lines) return undefined;
  const range = `-L${lines.startLine},${lines.endLine}:${name}`;
  const log = await git(directory, ['log', ...PLAIN, '-M', `--max-count=${most}`, FORMAT, '--no-patch', range], signal);
  return commitsIn(log);
}

/** Commits that changed lines, newest first; none when all of the lines are new. @throws AppError */
export async function commitsOf(span: Span, signal?: AbortSignal): Promise<Commit[]> {
  return (await changesOf(span, MOST_COMMITS, signal)) ?? [];
}

/** The first commit that has lines of a file. Undefined when they are new, or have more changes than are read. */
export async function firstCommitOf(span: Span, signal?: AbortSignal): Promise<Commit | undefined> {
  const commits = (await changesOf(span, MOST_FOLLOWED + 1, signal)) ?? [];
  return commits.length > MOST_FOLLOWED ? undefined : commits.at(-1);
}

/** The latest commits that changed a folder, newest first. Merges say nothing of their own. @throws AppError */
export async function latestCommits(directory: string, most: number, signal?: AbortSignal): Promise<Commit[]> {
  return commitsIn(
    await git(directory, ['log', ...PLAIN, '--no-merges', `--max-count=${most}`, FORMAT, '--', '.'], signal),
  );
}

const commitsIn = (log: string): Commit[] => log.split(RECORD).flatMap((record) => commitOf(record));

function commitOf(record: string): Commit[] {
  const [hash, author, date, subject, body] = record.split(FIELD);
  if (!hash || author === undefined || date === undefined || subject === undefined) return [];
  return [{ hash: hash.trim(), author, date, subject, body: (body ?? '').trim().slice(0, MOST_MESSAGE) }];
}

/** The message and the changes of a commit to one file. @throws AppError */
export async function commitText(file: string, hash: string, signal?: AbortSignal): Promise<string> {
  if (!/^[0-9a-f]{7,64}$/.test(hash)) throw new AppError('internal', 'This is no commit.');
  const args = ['show', ...PLAIN, '-M', '--stat', '--patch', hash];
  // The file may have had another name, so the patch of the whole commit is read where this one is empty.
  const text = await git(dirname(file), [...args, '--', basename(file)], signal);
  return (text.trim() === '' ? await git(dirname(file), args, signal) : text).slice(0, MOST_DIFF);
}
