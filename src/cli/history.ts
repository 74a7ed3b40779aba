/** `anchorage history`: the commits that made lines what they are. */
import * as l10n from '@vscode/l10n';
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
    throw new UsageError(l10n.t('Which lines? Name FILE:LINE or FILE:LINE-LINE.'), 'history');
  const [startLine, endLine] = [Number(start), Number(end)];
  if (startLine < 1 || endLine < startLine)
    throw new UsageError(l10n.t('There are no lines {0}-{1}.', start, end ?? start), 'history');
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
  throw new UsageError(l10n.t('There is no {0}.', path), 'history');
}

function rendered({ path, startLine, endLine, commits, uncommitted, more }: LineHistory, style: Style): string {
  const lines = startLine === endLine ? l10n.t('Line {0}', startLine) : l10n.t('Lines {0}–{1}', startLine, endLine);
  const which = l10n.t('{0} of {1}', lines, path);
  if (uncommitted) return l10n.t('{0}: newer than the last commit.', which);
  const [latest, ...earlier] = commits.map((commit) => commitText(commit, style));
  return [
    l10n.t('{0}, last changed by', which),
    latest ?? '',
    ...(earlier.length > 0 ? [l10n.t('Before that'), ...earlier] : []),
    ...(more ? [l10n.t('… and older commits.')] : []),
  ].join('\n\n');
}

function commitText({ hash, author, date, subject, body }: Commit, style: Style): string {
  const head = `${dim(hash.slice(0, 10), style)}  ${bold(subject, style)}\n            ${author}, ${date.slice(0, 10)}`;
  return body === '' ? head : `${head}\n${body.replace(/^(?=.)/gm, '            ')}`;
}
