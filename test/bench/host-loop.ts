/**
 * `npm run bench -- host-loop --workspace DIR`: measures whether indexing blocks the extension host's event loop. The
 * same editor is measured twice: idle, and while Anchorage indexes DIR from scratch. The goal is that indexing never
 * blocks it for more than 50 ms. The idle arm shows the delays of the machine and the editor.
 */
import { build } from 'esbuild';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { Browser } from 'playwright-core';
import type { Arm } from './host-loop/in-host';

interface Tools {
  stageExtension(options: { directory: string; minify: boolean }): Promise<string>;
  ensureServer(): Promise<{ node: string; entry: string; browser: string }>;
  startServer(installed: object, options: object): Promise<{ origin: string; stop: () => Promise<void> }>;
  launchBrowser(executable: string): Promise<Browser>;
  editorUrl(origin: string, options: { folder: string; payload: [string, string][] }): string;
}

const root = process.cwd();
const LIMIT = 15 * 60_000;

async function tools(): Promise<Tools> {
  const load = (name: string): Promise<Tools> =>
    import(pathToFileURL(path.join(root, 'scripts', 'lib', name)).href) as Promise<Tools>;
  const [stage, server, browser] = await Promise.all([
    load('stage.mjs'),
    load('vscode-server.mjs'),
    load('browser.mjs'),
  ]);
  return {
    stageExtension: stage.stageExtension,
    ensureServer: server.ensureServer,
    startServer: server.startServer,
    launchBrowser: browser.launchBrowser,
    editorUrl: browser.editorUrl,
  };
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { workspace: { type: 'string', default: root } } });
  const workspace = path.resolve(values.workspace);
  const { stageExtension, ensureServer, startServer, launchBrowser, editorUrl } = await tools();
  const runner = path.join(root, '.cache', 'bench', 'host-loop-in-host.js');
  await build({
    entryPoints: [path.join(root, 'test', 'bench', 'host-loop', 'in-host.ts')],
    outfile: runner,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['vscode'],
    logLevel: 'warning',
  });
  const staged = await stageExtension({ directory: path.join(root, '.cache', 'bench', 'extension'), minify: true });
  const installed = await ensureServer();
  const directory = mkdtempSync(path.join(tmpdir(), 'anchorage-bench-'));
  const report = path.join(directory, 'report.json');
  const server = await startServer(installed, {
    directory,
    extensions: path.join(directory, 'extensions'),
    smokeTest: true,
    env: { ANCHORAGE_TEST_REPORT: report },
  });
  const browser = await launchBrowser(installed.browser);
  try {
    const context = await browser.newContext();
    await context.exposeFunction('codeAutomationLog', () => undefined);
    const ended = new Promise<unknown>((resolve) => void context.exposeFunction('codeAutomationExit', resolve));
    const page = await context.newPage();
    const remote = (file: string): string => `vscode-remote://${server.origin.replace('http://', '')}${file}`;
    await page.goto(
      editorUrl(server.origin, {
        folder: workspace,
        payload: [
          ['extensionDevelopmentPath', remote(staged)],
          ['extensionTestsPath', remote(runner)],
        ],
      }),
    );
    await Promise.race([
      ended,
      new Promise((_, reject) =>
        setTimeout(() => reject(new Error(`not indexed within ${LIMIT / 60_000} minutes`)), LIMIT).unref(),
      ),
    ]);
    print(JSON.parse(readFileSync(report, 'utf8')) as { idle: Arm; indexing: Arm });
  } finally {
    await browser.close();
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function print({ idle, indexing }: { idle: Arm; indexing: Arm }): void {
  console.log(
    'extension host      seconds   loop p99 ms   max ms   late > 50 ms   held > 50 ms   longest run ms   cpu ms/s',
  );
  for (const [name, arm] of [
    ['idle', idle],
    ['while indexing', indexing],
  ] as const) {
    console.log(
      `${name.padEnd(18)} ${arm.seconds.toFixed(1).padStart(8)} ${arm.p99.toFixed(1).padStart(13)} ${arm.max.toFixed(1).padStart(8)} ${String(arm.late).padStart(14)} ${String(arm.held).padStart(14)} ${arm.longest.toFixed(1).padStart(16)} ${arm.cpu.toFixed(1).padStart(10)}`,
    );
  }
}
