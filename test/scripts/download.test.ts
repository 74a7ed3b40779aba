import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DownloadError, failureReason, runDownload } from '../../scripts/lib/download.mjs';

describe('failureReason', () => {
  it('prefers the network error of npm to its code', () => {
    const output = [
      'npm error code ENOTFOUND',
      'npm error syscall getaddrinfo',
      'npm error errno ENOTFOUND',
      'npm error network request to https://registry.example/left failed, reason: getaddrinfo ENOTFOUND registry.example',
      'npm error network This is a problem related to network connectivity.',
      'npm error A complete log of this run can be found in: /home/anna/.npm/_logs/1.log',
    ].join('\n');
    expect(failureReason(output)).toBe(
      'network request to https://registry.example/left failed, reason: getaddrinfo ENOTFOUND registry.example',
    );
  });

  it('takes the message of npm for other errors', () => {
    expect(
      failureReason(
        'npm error code ETARGET\nnpm error notarget No matching version found for left@9.\nnpm error A complete log of this run can be found in: x',
      ),
    ).toBe('notarget No matching version found for left@9.');
    expect(
      failureReason('npm ERR! code E404\nnpm ERR! 404 Not Found - GET https://registry.example/left - Not found'),
    ).toBe('404 Not Found - GET https://registry.example/left - Not found');
  });

  it('takes the error of an install step, or its last line', () => {
    const output =
      'compiling\nERROR: this needs Node 24\nWe have detected Node 20\nnpm error code 1\nnpm error path /x\nnpm error command failed\nnpm error command sh -c ./postinstall.sh\n';
    expect(failureReason(output)).toBe('ERROR: this needs Node 24');
    expect(failureReason('compiling\ngave up\nnpm error code 1\nnpm error command failed\n')).toBe('gave up');
  });

  it('finds the reason of apt-get and pip', () => {
    expect(
      failureReason(
        'Reading package lists...\nW: Failed to fetch http://deb.example/InRelease\nE: Unable to locate package chromium\n',
      ),
    ).toBe('Unable to locate package chromium');
    expect(
      failureReason(
        'WARNING: Retrying\nERROR: Could not find a version that satisfies the requirement torch\nERROR: No matching distribution found for torch\n',
      ),
    ).toBe('Could not find a version that satisfies the requirement torch');
  });

  it('falls back to the last line', () => {
    expect(failureReason('one\ntwo\n\n')).toBe('two');
    expect(failureReason('')).toBe('it printed nothing');
  });
});

describe('runDownload', () => {
  let directory: string;
  let logFile: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'anchorage-download-'));
    logFile = join(directory, 'logs', 'fetch.log');
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const fetch = (script: string): void =>
    runDownload({
      what: 'The thing',
      command: process.execPath,
      args: ['-e', script],
      logFile,
      env: { ...process.env, WORD: 'heard' },
    });

  it('is silent on success and keeps the output in the log', () => {
    fetch('console.log(process.env.WORD); console.error("and seen")');
    expect(readFileSync(logFile, 'utf8')).toMatch(/^\$ .*\nheard\nand seen\n$/);
  });

  it('gives the reason of a failure in one line, then the path of the log', () => {
    const failing = (): void => fetch('console.error("E: the disk is full\\nmore"); process.exit(3)');
    expect(failing).toThrow(DownloadError);
    expect(failing).toThrow(
      new RegExp(`^The thing could not be fetched: the disk is full \\(.* ended with 3\\)\nLog: ${logFile}$`),
    );
  });

  it('reports a missing command', () => {
    expect(() => runDownload({ what: 'The thing', command: join(directory, 'none'), args: [], logFile })).toThrow(
      /^The thing could not be fetched: .*ENOENT\nLog: /,
    );
  });
});
