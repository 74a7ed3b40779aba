/** Runs the git binary to read history: bounded in time and output, without hooks, pagers, filters or prompts. */
import * as l10n from '@vscode/l10n';
import { execFile } from 'node:child_process';
import { AppError, errorCode } from '../../base';

/** Longest run (ms) of one command. */
const PATIENCE = 15_000;
const MOST_BYTES = 8 * 1024 * 1024;

/** Settings of a repository that would run programs. A workspace must not choose what reading its history runs. */
const SAFE = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', '-c', 'log.showSignature=false'];

/** @throws AppError('notIndexed') without git, 'internal' when git fails or takes too long */
export function git(directory: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      'git',
      ['--no-pager', '-C', directory, ...SAFE, ...args],
      {
        encoding: 'utf8',
        timeout: PATIENCE,
        maxBuffer: MOST_BYTES,
        ...(signal ? { signal } : {}),
        env: { ...process.env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', GIT_EXTERNAL_DIFF: '', LC_ALL: 'C' },
        windowsHide: true,
      },
      (error, stdout, stderr) => {
        if (!error) resolve(stdout);
        else if (signal?.aborted) reject(signal.reason as Error);
        else reject(failure(error, stderr));
      },
    );
  });
}

function failure(error: Error & { killed?: boolean }, stderr: string): AppError {
  if (errorCode(error) === 'ENOENT')
    return new AppError('internal', l10n.t('git was not found.'), l10n.t('Install git, or put it on the path.'));
  if (error.killed) return new AppError('internal', l10n.t('git took too long.'), l10n.t('Choose fewer lines.'));
  if (/not a git repository/.test(stderr))
    return new AppError(
      'notIndexed',
      l10n.t('The file is not in a git repository.'),
      l10n.t('History is read from git.'),
    );
  if (stderr.trim() === '' || /bad revision|unknown revision|does not have any commits/.test(stderr))
    return new AppError('notIndexed', l10n.t('The repository has no commit yet.'));
  const [reason = error.message] = stderr.trim().split('\n').slice(-1);
  return new AppError('internal', `git failed: ${reason.replace(/^fatal: /, '')}`);
}
