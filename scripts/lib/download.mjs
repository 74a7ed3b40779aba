/** Commands that fetch something (npm, pip, apt-get): quiet where they succeed, one line and a log where they fail. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Lines with which npm, pip and apt-get tell the reason; earlier patterns are more telling than later ones. */
const REASONS = [
  /^npm (?:error|ERR!) (network request to .*|.*reason: .*)$/m,
  /^npm (?:error|ERR!) (?!code |errno |syscall |path |network |A complete log|Log files|command |\s)(.*\S)$/m,
  /^E: (.*\S)$/m,
  /^ERROR: (.*\S)$/m,
];

/**
 * The reason for a failure, from the output of npm, pip or apt-get.
 * @param {string} output
 * @returns {string} One line.
 */
export function failureReason(output) {
  // A package's own install step says more than npm, which only repeats the command.
  if (/^npm (?:error|ERR!) command failed$/m.test(output)) return stepReason(output.split(/^npm (?:error|ERR!)/m)[0]);
  for (const pattern of REASONS) {
    const found = pattern.exec(output);
    if (found) return found[1].trim();
  }
  return lastLine(output) || 'it printed nothing';
}

/** The last error that an install step printed, else its last line. */
function stepReason(output) {
  const tail = output.trim().split('\n').slice(-40);
  return (tail.findLast((line) => /\berror:/i.test(line)) ?? tail.at(-1)).trim();
}

function lastLine(text) {
  return text.trim().split('\n').at(-1).trim();
}

/**
 * Runs a command that fetches something, with its output in a file.
 *
 * @param {import('./download.mjs').Download} given `what` names what is fetched; it begins the message of a failure.
 * @throws Error whose message is one line that says what failed and why, and one that says where the log is.
 */
export function runDownload({ what, command, args, logFile, cwd, env = process.env }) {
  mkdirSync(path.dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'w');
  let result;
  try {
    writeSync(log, `$ ${[command, ...args].join(' ')}\n`);
    result = spawnSync(command, args, { cwd, env, stdio: ['ignore', log, log], shell: process.platform === 'win32' });
  } finally {
    closeSync(log);
  }
  if (result.status === 0) return;
  const output = readFileSync(logFile, 'utf8').split('\n').slice(1).join('\n');
  const how = result.error
    ? result.error.message
    : `${failureReason(output)} (${command} ended with ${result.signal ?? result.status})`;
  throw new DownloadError(`${what} could not be fetched: ${how}`, logFile);
}

/** A failure that needs no stack: its message is complete. */
export class DownloadError extends Error {
  constructor(line, logFile) {
    super(`${line}\nLog: ${logFile}`);
    this.stack = this.message;
    this.name = 'DownloadError';
    this.logFile = logFile;
  }
}
