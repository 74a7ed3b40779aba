/** Runs commands that download (npm, pip, apt-get): silent on success, one line and a log on failure. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Lines of npm, pip and apt-get that give the reason. Earlier patterns have precedence. */
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
  // The output of a package's install step says more than npm's error, which only repeats the command.
  if (/^npm (?:error|ERR!) command failed$/m.test(output)) return stepReason(output.split(/^npm (?:error|ERR!)/m)[0]);
  for (const pattern of REASONS) {
    const found = pattern.exec(output);
    if (found) return found[1].trim();
  }
  return lastLine(output) || 'it printed nothing';
}

/** The last error of an install step, else its last line. */
function stepReason(output) {
  const tail = output.trim().split('\n').slice(-40);
  return (tail.findLast((line) => /\berror:/i.test(line)) ?? tail.at(-1)).trim();
}

function lastLine(text) {
  return text.trim().split('\n').at(-1).trim();
}

/**
 * Runs a command that downloads, and writes its output to a file.
 *
 * @param {import('./download.mjs').Download} given `what` names the download and begins the error message.
 * @throws DownloadError with the reason and the path of the log.
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

/** A failed download. The message is complete, so no stack is printed. */
export class DownloadError extends Error {
  constructor(line, logFile) {
    super(`${line}\nLog: ${logFile}`);
    this.stack = this.message;
    this.name = 'DownloadError';
    this.logFile = logFile;
  }
}
