/**
 * `npm run test:vscode [-- --only=suite,ui] [-- --grep TEXT] [-- --shots DIR]`: tests the extension in a real editor.
 *
 * suite  mocha inside the extension host, in a downloaded VS Code (@vscode/test-electron) if it is available,
 *        else in the VS Code server from npm, shown in Chromium
 * ui     walks with keyboard and mouse through the installed package, only in the VS Code server from npm
 *
 * ANCHORAGE_VSCODE=electron|server chooses the editor (lib/editor-choice.mjs). The choice and its reason are printed.
 * ANCHORAGE_PATIENCE=3 multiplies every time limit by 3, for a busy machine. The last line is "N passed, N failed".
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { chooseEditor, machineProbes } from './lib/editor-choice.mjs';
import { installDependencies, root } from './lib/install.mjs';

const { values } = parseArgs({
  options: { only: { type: 'string', default: 'suite,ui' }, grep: { type: 'string' }, shots: { type: 'string' } },
});
installDependencies();
const { build } = await import('esbuild');
const { stageExtension, hostTarget } = await import('./lib/stage.mjs');
const { packVsix } = await import('./lib/vsix.mjs');
const { makeFixture } = await import('./lib/fixture-workspace.mjs');

const parts = values.only.split(',');
const cache = path.join(root, '.cache', 'vscode-test');
const bundles = path.join(cache, 'tests');
const scratch = mkdtempSync(path.join(tmpdir(), 'anchorage-vscode-'));
const shots = path.resolve(values.shots ?? path.join(cache, 'screenshots'));
// Milliseconds for the whole suite.
const SUITE_LIMIT = 150_000 * (Number(process.env.ANCHORAGE_PATIENCE) || 1);

/** @type {{ title: string, state: 'passed' | 'failed', error?: string, milliseconds: number, repeated?: boolean }[]} */
const results = [];
const stops = [];
// An aborted run must stop its servers.
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => void Promise.all(stops.map((stop) => stop())).finally(() => process.exit(1)));
try {
  const staged = await stageExtension({ directory: path.join(cache, 'extension'), minify: true });
  await bundleTests();
  if (parts.includes('suite')) await runSuite(staged);
  if (parts.includes('ui')) await runWalks(staged);
} catch (error) {
  results.push({
    title: 'the editor and its tests can be run',
    state: 'failed',
    error: error.stack ?? String(error),
    milliseconds: 0,
  });
} finally {
  await Promise.all(stops.map((stop) => stop()));
  rmSync(scratch, { recursive: true, force: true });
}
const failed = results.filter(({ state }) => state === 'failed');
for (const { title, error } of failed) console.error(`\n✗ ${title}\n${error}`);
for (const { title } of results.filter(({ repeated }) => repeated)) console.log(`? ${title}`);
console.log(`\n${results.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length === 0 && results.length > 0 ? 0 : 1);

/** Each test file becomes a CommonJS file, as mocha and the extension host load them. */
async function bundleTests() {
  rmSync(bundles, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: ['test/vscode/suite/*.ts', 'test/vscode/ui/*.ts'],
    outbase: 'test/vscode',
    outdir: bundles,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    sourcemap: 'inline',
    external: ['vscode', 'mocha', 'playwright-core', 'axe-core'],
    // test/fixtures.ts is the only bundled module that uses import.meta.url.
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(path.join(root, 'test', 'fixtures.ts')).href) },
    logLevel: 'warning',
  });
}

async function runSuite(staged) {
  const { workspace } = await makeFixture(path.join(scratch, 'suite-workspace'));
  const report = path.join(scratch, 'suite.json');
  const env = { ANCHORAGE_TEST_REPORT: report, ANCHORAGE_TEST_GREP: values.grep ?? '' };
  const runner = path.join(bundles, 'suite', 'index.js');
  const choice = await chooseEditor({
    wish: process.env.ANCHORAGE_VSCODE,
    platform: process.platform,
    env: process.env,
    probes: machineProbes(path.join(root, '.vscode-test')),
  });
  const editor =
    choice.kind === 'electron' ? `the downloaded VS Code ${choice.executable}` : 'the VS Code server from npm';
  console.log(`suite: in ${editor}, because ${choice.why}`);
  if (choice.kind === 'electron') await runSuiteInElectron(choice, { staged, workspace, runner, env });
  else await runSuiteInServer({ staged, workspace, runner, env });
  // The report shows failed tests. A missing report shows a broken editor.
  collect(report, 'suite');
}

async function runSuiteInElectron({ executable, prefix }, { staged, workspace, runner, env }) {
  const { QUIET } = await import('./lib/vscode-server.mjs');
  const userData = path.join(scratch, 'electron');
  mkdirSync(path.join(userData, 'User'), { recursive: true });
  writeFileSync(path.join(userData, 'User', 'settings.json'), JSON.stringify(QUIET));
  const options = {
    vscodeExecutablePath: executable,
    extensionDevelopmentPath: staged,
    extensionTestsPath: runner,
    extensionTestsEnv: env,
    launchArgs: [workspace, '--user-data-dir', userData, '--extensions-dir', path.join(scratch, 'electron-extensions')],
  };
  const [command, ...args] = [
    ...prefix,
    process.execPath,
    path.join(root, 'scripts', 'lib', 'run-electron.mjs'),
    JSON.stringify(options),
  ];
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: process.platform !== 'win32',
  });
  const end = () => {
    try {
      process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
    } catch {
      // The process has already ended.
    }
  };
  stops.push(async () => end());
  const limit = setTimeout(() => {
    console.error(`The suite did not end within ${SUITE_LIMIT / 1000} s.`);
    end();
  }, SUITE_LIMIT);
  const how = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(signal ?? code));
  });
  clearTimeout(limit);
  if (how !== 0) console.error(`suite: the downloaded VS Code ended with ${how}`);
}

async function runSuiteInServer({ staged, workspace, runner, env }) {
  const { ensureServer, startServer } = await import('./lib/vscode-server.mjs');
  const { editorUrl, launchBrowser } = await import('./lib/browser.mjs');
  const installed = await ensureServer();
  const directory = path.join(scratch, 'suite-server');
  const server = await startServer(installed, {
    directory,
    extensions: path.join(directory, 'extensions'),
    smokeTest: true,
    env,
  });
  stops.push(server.stop);
  const browser = await launchBrowser(installed.browser);
  stops.push(() => browser.close());
  const context = await browser.newContext();
  await context.exposeFunction('codeAutomationLog', () => undefined);
  const authority = server.origin.replace('http://', '');
  const remote = (file) => `vscode-remote://${authority}${file}`;
  const exit = new Promise((resolve) => void context.exposeFunction('codeAutomationExit', resolve));
  const page = await context.newPage();
  await page.goto(
    editorUrl(server.origin, {
      folder: workspace,
      payload: [
        ['extensionDevelopmentPath', remote(staged)],
        ['extensionTestsPath', remote(runner)],
      ],
    }),
  );
  const code = await Promise.race([exit, new Promise((resolve) => setTimeout(() => resolve('timeout'), SUITE_LIMIT))]);
  if (code === 'timeout') {
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: path.join(shots, 'suite-timeout.png') });
    console.error(
      `The suite did not end within ${SUITE_LIMIT / 1000} s; the end of the server's ` +
        `log:\n${readFileSync(server.logFile, 'utf8').slice(-3_000)}`,
    );
  }
  await browser.close();
  await server.stop();
}

async function runWalks(staged) {
  if (process.platform !== 'linux') {
    console.log(
      `ui: NOT RUN: the walks need the VS Code server from npm, which works on Linux only (this is ` +
        `${process.platform}).`,
    );
    return;
  }
  const { ensureServer, installVsix, startServer } = await import('./lib/vscode-server.mjs');
  const installed = await ensureServer();
  const vsix = path.join(cache, 'anchorage.vsix');
  await packVsix({ staged, target: hostTarget(), file: vsix });
  const directory = path.join(scratch, 'ui-server');
  const extensions = path.join(directory, 'extensions');
  mkdirSync(directory, { recursive: true });
  await installVsix(installed, { directory, extensions, vsix });
  const server = await startServer(installed, { directory, extensions, settings: { 'editor.hover.delay': 200 } });
  stops.push(server.stop);
  const trusting = path.join(scratch, 'ui-trust');
  mkdirSync(trusting, { recursive: true });
  const restricted = await startServer(installed, { directory: trusting, extensions, trust: true });
  stops.push(restricted.stop);
  const speaking = path.join(scratch, 'ui-german');
  mkdirSync(speaking, { recursive: true });
  const german = await startServer(installed, { directory: speaking, extensions, locale: 'de' });
  stops.push(german.stop);
  const { workspace } = await makeFixture(path.join(scratch, 'harbour'));
  const report = path.join(scratch, 'ui.json');
  rmSync(shots, { recursive: true, force: true });
  mkdirSync(shots, { recursive: true });
  const env = {
    ...process.env,
    ANCHORAGE_TEST_REPORT: report,
    ANCHORAGE_TEST_GREP: values.grep ?? '',
    ANCHORAGE_UI: JSON.stringify({
      origin: server.origin,
      restricted: restricted.origin,
      german: german.origin,
      workspace,
      browser: installed.browser,
      shots,
      staged,
      serverPid: server.pid,
      home: directory,
    }),
  };
  const code = await new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [
        '-e',
        `require(${JSON.stringify(path.join(bundles, 'ui', 'index.js'))}).run().then(() => process.exit(0), ` +
          `(error) => { console.error(error); process.exit(1); })`,
      ],
      { stdio: ['ignore', 'inherit', 'inherit'], env, cwd: root },
    );
    child.on('exit', resolve);
  });
  if (code !== 0) console.error(`ui: ended with exit code ${code}`);
  collect(report, 'ui');
  console.log(`Screenshots: ${shots}`);
}

function collect(report, part) {
  const tests = (() => {
    try {
      return JSON.parse(readFileSync(report, 'utf8'));
    } catch {
      return [
        {
          title: `${part}: the tests wrote no report`,
          state: 'failed',
          error: 'The editor ended before the tests did.',
          milliseconds: 0,
        },
      ];
    }
  })();
  for (const test of tests) {
    results.push(test);
    console.log(`  ${test.state === 'passed' ? '✓' : '✗'} ${part}: ${test.title} (${test.milliseconds} ms)`);
  }
}
