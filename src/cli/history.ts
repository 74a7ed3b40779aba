/** `anchorage history`: the commits that made lines what they are. */
import { realpathSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { lineHistory } from '../app';
import type { Commit, LineHistory } from '../protocol';
import { type Arguments, UsageError } from './arguments';
import { bold, dim, type Style, styleOf } from './render';
import { write, writeJson } from './write';

/** @throws UsageError, AppError */
export async function runHistory({ operands, workspace, json }: Arguments, signal: AbortSignal): Promise<void> {
  const [, path, start, end = start] = /^(.+?):(\d+)(?:-(\d+))?$/.exec(operands.join(' ')) ?? [];
  if (path === undefined || start === undefined)
    throw new UsageError('Which lines? Name FILE:LINE or FILE:LINE-LINE.', 'history');
  const [startLine, endLine] = [Number(start), Number(end)];
  if (startLine < 1 || endLine < startLine) throw new UsageError(`There are no lines ${start}-${end}.`, 'history');
  const file = fileOf(path, workspace);
  const history = await lineHistory({ file, path: relative(process.cwd(), file), startLine, endLine }, signal);
  await (json ? writeJson(history, 2) : write(rendered(history, styleOf(process.stdout))));
}

/** The file by its real path, against the current folder and then the named ones. @throws UsageError */
function fileOf(path: string, workspace: readonly string[]): string {
  for (const base of [process.cwd(), ...workspace]) {
    try {
      return realpathSync(resolve(base, path));
    } catch {
      // The next folder may have it.
    }
  }
  throw new UsageError(`There is no ${path}.`, 'history');
}

function rendered({ path, startLine, endLine, commits, uncommitted, more }: LineHistory, style: Style): string {
  const lines = startLine === endLine ? `Line ${startLine}` : `Lines ${startLine}-${endLine}`;
  if (uncommitted) return `${lines} of ${path}: newer than the last commit.`;
  const [latest, ...earlier] = commits.map((commit) => commitText(commit, style));
  return [
    `${lines} of ${path}, last changed by`,
    latest ?? '',
    ...(earlier.length > 0 ? ['Before that', ...earlier] : []),
    ...(more ? ['… and older commits.'] : []),
  ].join('\n\n');
}

function commitText({ hash, author, date, subject, body }: Commit, style: Style): string {
  const head = `${dim(hash.slice(0, 10), style)}  ${bold(subject, style)}\n            ${author}, ${date.slice(0, 10)}`;
  return body === '' ? head : `${head}\n${body.replace(/^(?=.)/gm, '            ')}`;
}
