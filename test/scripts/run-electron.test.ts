import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const RUNNER = fileURLToPath(new URL('../../scripts/lib/run-electron.mjs', import.meta.url));

let directory: string;
let editor: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'anchorage-electron-'));
  editor = join(directory, 'code');
  // A fake editor: it records its arguments and environment, and exits with a given code.
  writeFileSync(
    editor,
    `#!${process.execPath}\nrequire('node:fs').writeFileSync(${JSON.stringify(join(directory, 'started.json'))}, JSON.stringify({ argv: process.argv.slice(2), env: process.env }));\nprocess.exit(Number(process.env.END_WITH));\n`,
  );
  chmodSync(editor, 0o755);
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function run(endWith: number, executable = editor): { status: number | null; stderr: string } {
  const options = {
    vscodeExecutablePath: executable,
    extensionDevelopmentPath: '/the/extension',
    extensionTestsPath: '/the/tests/index.js',
    extensionTestsEnv: { REPORT: '/the/report.json', END_WITH: String(endWith) },
    launchArgs: ['/the/workspace', '--user-data-dir', '/the/user', '--extensions-dir', '/the/extensions'],
  };
  return spawnSync(process.execPath, [RUNNER, JSON.stringify(options)], {
    encoding: 'utf8',
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
  });
}

describe.skipIf(process.platform === 'win32')('the suite in a downloaded editor', () => {
  it('opens the workspace with the extension, its tests and separate folders, as an editor and not as plain Node', () => {
    expect(run(0).status).toBe(0);
    const { argv, env } = JSON.parse(readFileSync(join(directory, 'started.json'), 'utf8')) as {
      argv: string[];
      env: Record<string, string>;
    };
    expect(argv[0]).toBe('/the/workspace');
    expect(argv).toEqual(
      expect.arrayContaining([
        '--extensionDevelopmentPath=/the/extension',
        '--extensionTestsPath=/the/tests/index.js',
        '--no-sandbox',
        '--disable-workspace-trust',
      ]),
    );
    // Each option occurs once, because test-electron adds its own folders only if none are given.
    for (const [option, value] of [
      ['--user-data-dir', '/the/user'],
      ['--extensions-dir', '/the/extensions'],
    ] as const) {
      expect(argv.filter((argument) => argument.startsWith(option))).toEqual([option]);
      expect(argv[argv.indexOf(option) + 1]).toBe(value);
    }
    expect(env['REPORT']).toBe('/the/report.json');
    expect(env['ELECTRON_RUN_AS_NODE']).toBeUndefined();
  });

  it('fails if the editor fails', () => {
    expect(run(1)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('Test run failed with code 1') as string,
    });
    expect(run(0, join(directory, 'none')).status).not.toBe(0);
  });
});
