/**
 * Installs and starts a complete VS Code without Microsoft's download server. `code-server` and its Node come from npm,
 * and the browser from the system's packages. The installation is idempotent and locked, so several commands may run it
 * at the same time.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import path from 'node:path';
import { DownloadError, runDownload } from './download.mjs';
import { logs } from './install.mjs';
import { npmEnvironment } from './npm-environment.mjs';

/** Versions that work together. A change of any of them triggers a new installation. */
const VERSIONS = { codeServer: '4.139.1', node: '24.21.0' };

/** Cache folder of this machine, outside the repository. */
export function cacheDirectory() {
  return process.env.ANCHORAGE_TEST_CACHE || path.join(homedir(), '.cache', 'anchorage-test');
}

/**
 * Installs the missing parts.
 * @param {{ browser?: boolean, log?: (line: string) => void }} [options] `browser: false` leaves Chromium out.
 * @returns {Promise<{ node: string, entry: string, browser: string | undefined }>} Absolute paths.
 */
export async function ensureServer({ browser = true, log = console.log } = {}) {
  if (process.platform !== 'linux') {
    throw new Error(
      `The VS Code server from npm works on Linux only (this is ${process.platform}). Use a downloaded VS Code ` +
        `(ANCHORAGE_VSCODE=electron).`,
    );
  }
  const cache = cacheDirectory();
  await mkdir(cache, { recursive: true });
  return withLock(path.join(cache, 'install.lock'), log, async () => {
    const browserPath = browser ? ensureBrowser(log) : undefined;
    return { ...(await ensureCodeServer(cache, log)), browser: browserPath };
  });
}

async function ensureCodeServer(cache, log) {
  const nodePackage = `node-linux-${process.arch}`;
  const nodeHome = path.join(cache, `node-${VERSIONS.node}`, 'node_modules', nodePackage);
  const serverRoot = path.join(cache, `code-server-${VERSIONS.codeServer}`);
  const entry = path.join(serverRoot, 'node_modules', 'code-server', 'out', 'node', 'entry.js');
  const done = path.join(serverRoot, 'installed');
  const node = path.join(nodeHome, 'bin', 'node');
  if (existsSync(done) && existsSync(entry) && existsSync(node)) return { node, entry };

  ensureSystemPackages(['libkrb5-dev', 'g++', 'make', 'python3'], log);
  if (!existsSync(node)) {
    log(`Installing Node ${VERSIONS.node} (npm: ${nodePackage}) into ${cache}`);
    npmInstall(path.join(cache, `node-${VERSIONS.node}`), `${nodePackage}@${VERSIONS.node}`, {}, log);
  }
  log(`Installing VS Code (npm: code-server ${VERSIONS.codeServer}) into ${cache}: about 3 minutes and 1.2 GB, once`);
  const partial = `${serverRoot}.partial`;
  await rm(partial, { recursive: true, force: true });
  await rm(serverRoot, { recursive: true, force: true });
  const settings = {
    PATH: `${path.join(nodeHome, 'bin')}${path.delimiter}${process.env.PATH ?? ''}`,
    // Native modules are built with the headers of this Node package, without a download.
    npm_config_nodedir: nodeHome,
    npm_config_build_from_source: 'true',
  };
  npmInstall(partial, `code-server@${VERSIONS.codeServer}`, settings, log);
  await rename(partial, serverRoot);
  await writeFile(done, `${new Date().toISOString()}\n`);
  return { node, entry };
}

/** @returns {string} Path of a Chromium or Chrome. */
function ensureBrowser(log) {
  const found = findBrowser();
  if (found) return found;
  ensureSystemPackages(['chromium'], log);
  const installed = findBrowser();
  if (!installed) throw new Error('No Chromium was found. Install chromium, or set ANCHORAGE_CHROMIUM to its path.');
  return installed;
}

function findBrowser() {
  const named = process.env.ANCHORAGE_CHROMIUM;
  if (named) return existsSync(named) ? named : undefined;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']) {
    const which = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
    if (which.status === 0) return which.stdout.trim();
  }
  return undefined;
}

/**
 * Installs missing system packages with apt-get. Without apt-get or the permission to use it, throws an error that
 * lists the packages.
 */
function ensureSystemPackages(packages, log) {
  const missing = packages.filter((name) => !systemPackagePresent(name));
  if (missing.length === 0) return;
  const apt = spawnSync('sh', ['-c', 'command -v apt-get']).status === 0;
  const prefix =
    process.getuid?.() === 0 ? [] : spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : undefined;
  if (!apt || !prefix) {
    throw new Error(
      `These system packages are needed for the tests in the editor: ${missing.join(', ')}. Install them and ` +
        `run again.`,
    );
  }
  log(`Installing system packages: ${missing.join(', ')}`);
  const aptGet = (args, name) => {
    const [command, ...rest] = [...prefix, 'apt-get', '-q', '-o', 'DPkg::Lock::Timeout=300', ...args];
    const logFile = path.join(logs, `${name}.log`);
    runDownload({
      what: `${missing.join(', ')} (apt-get)`,
      command,
      args: rest,
      logFile,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  };
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  try {
    aptGet(install, 'apt-get-install');
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    // The package lists of a fresh machine are empty or old.
    aptGet(['update'], 'apt-get-update');
    aptGet(install, 'apt-get-install');
  }
}

function systemPackagePresent(name) {
  if (name === 'libkrb5-dev') return existsSync('/usr/include/gssapi/gssapi.h') || existsSync('/usr/include/gssapi.h');
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
}

/** Installs one package into its own folder. `settings` are added to the cleaned environment. */
function npmInstall(prefix, spec, settings, log) {
  mkdirSync(prefix, { recursive: true });
  const started = Date.now();
  runDownload({
    what: `${spec} (npm)`,
    command: 'npm',
    args: ['install', '--prefix', prefix, '--no-save', '--no-audit', '--no-fund', '--foreground-scripts', spec],
    logFile: path.join(logs, `npm-${spec}.log`),
    cwd: prefix,
    env: { ...npmEnvironment(process.env), ...settings },
  });
  log(`Installed ${spec} in ${Math.round((Date.now() - started) / 1000)} s`);
}

/** Runs `work` while holding a lock file. A lock whose process has ended is taken over. */
async function withLock(file, log, work) {
  let told = false;
  for (;;) {
    try {
      await writeFile(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (await lockIsStale(file)) {
        await rm(file, { force: true });
        continue;
      }
      if (!told) log(`Waiting for another installation (${file})`);
      told = true;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function lockIsStale(file) {
  try {
    const pid = Number(await readFile(file, 'utf8'));
    if (!pid) return Date.now() - (await stat(file)).mtimeMs > 5_000;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code !== 'EPERM';
  }
}

/**
 * Starts the editor on a free loopback port and waits until it answers.
 *
 * @param {{ node: string, entry: string }} installed From `ensureServer`.
 * @param {{ directory: string, extensions: string, settings?: object, trust?: boolean, smokeTest?: boolean, port?:
 *           number, env?: Record<string, string>, locale?: string }} options `directory` is the server's data folder.
 *           `trust: true` leaves workspace trust on, so that folders open in Restricted Mode. `locale` is the display
 *           language, with a language pack that translates a few of the editor's texts.
 * @returns {Promise<{ origin: string, port: number, pid: number, logFile: string, stop: () => Promise<void> }>}
 */
export async function startServer(installed, options) {
  const { directory, extensions, settings = {}, trust = false, smokeTest = false } = options;
  const port = options.port ?? (await freePort());
  const userData = path.join(directory, 'user');
  await mkdir(path.join(userData, 'User'), { recursive: true });
  await mkdir(extensions, { recursive: true });
  await writeFile(path.join(userData, 'User', 'settings.json'), JSON.stringify({ ...QUIET, ...settings }, null, 2));
  if (options.locale !== undefined) await writeLanguagePack(userData, options.locale);
  const { openSync, closeSync } = await import('node:fs');
  const logFile = path.join(directory, 'server.log');
  const output = openSync(logFile, 'a');
  const child = spawn(
    installed.node,
    [
      installed.entry,
      ...['--config', path.join(directory, 'config.yaml'), '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`],
      ...['--user-data-dir', userData, '--extensions-dir', extensions],
      ...[
        '--disable-telemetry',
        '--disable-update-check',
        '--disable-getting-started-override',
        '--disable-proxy',
        '--ignore-last-opened',
      ],
      ...(trust ? [] : ['--disable-workspace-trust']),
      ...(options.locale === undefined ? [] : ['--locale', options.locale]),
      ...(smokeTest ? ['--vscode-option', 'enable-smoke-test-driver'] : []),
    ],
    {
      detached: true,
      stdio: ['ignore', output, output],
      env: { ...process.env, ...options.env, ...homeOf(directory) },
    },
  );
  closeSync(output);
  const stop = () => stopGroup(child);
  const origin = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline && child.exitCode === null) {
    const healthy = await fetch(`${origin}/healthz`).then(
      (response) => response.ok,
      () => false,
    );
    if (healthy) return { origin, port, pid: child.pid, logFile, stop };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await stop();
  throw new Error(`The VS Code server did not start. See ${logFile}.`);
}

/**
 * Registers a language pack, as the editor does when one is installed. The published packs come from the marketplace
 * only. Extensions take their own translations by the language; the pack needs no more than one text of the editor.
 */
async function writeLanguagePack(userData, locale) {
  const main = path.join(userData, `main.${locale}.i18n.json`);
  const contents = { 'vs/workbench/contrib/files/browser/explorerViewlet': { explore: `Explorer (${locale})` } };
  await writeFile(main, JSON.stringify({ version: '1.0.0', contents }));
  const extensions = [{ extensionIdentifier: { id: `test.language-pack-${locale}` }, version: '1.0.0' }];
  const pack = { hash: `test-${locale}`, extensions, label: locale, translations: { vscode: main } };
  await writeFile(path.join(userData, 'languagepacks.json'), JSON.stringify({ [locale]: pack }));
}

/**
 * Environment of an editor whose home is `directory`. Variables that name other programs' folders of models would lead
 * it out of that home.
 */
function homeOf(directory) {
  return {
    HOME: directory,
    XDG_CONFIG_HOME: directory,
    XDG_DATA_HOME: directory,
    XDG_CACHE_HOME: path.join(directory, '.cache'),
    OLLAMA_MODELS: '',
    LLAMA_CACHE: '',
    HF_HUB_CACHE: '',
    HF_HOME: undefined,
    EXTENSIONS_GALLERY: '{}',
  };
}

/** Installs a VSIX into an extensions folder. */
export async function installVsix(installed, { directory, extensions, vsix }) {
  const code = await new Promise((resolve, reject) => {
    const child = spawn(
      installed.node,
      [
        installed.entry,
        '--config',
        path.join(directory, 'config.yaml'),
        '--user-data-dir',
        path.join(directory, 'user'),
        '--extensions-dir',
        extensions,
        '--install-extension',
        vsix,
        '--force',
      ],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, ...homeOf(directory) },
      },
    );
    child.on('error', reject);
    child.on('exit', resolve);
  });
  if (code !== 0) throw new Error(`Installing ${vsix} failed (exit ${code})`);
}

/** Settings that switch off animations, notifications and updates during tests. */
export const QUIET = {
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.tips.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoCheckUpdates': false,
  'git.openRepositoryInParentFolders': 'never',
  'security.workspace.trust.startupPrompt': 'never',
  'workbench.reduceMotion': 'on',
  'editor.minimap.enabled': false,
  // In a browser the editor saves automatically, but the tests need unsaved text.
  'files.autoSave': 'off',
};

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Stops a detached process and its child processes: SIGTERM, then SIGKILL. */
async function stopGroup(child) {
  if (child.pid === undefined) return;
  const gone = new Promise((resolve) =>
    child.exitCode !== null || child.signalCode !== null ? resolve() : child.once('exit', resolve),
  );
  signalGroup(child.pid, 'SIGTERM');
  await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 3_000))]);
  signalGroup(child.pid, 'SIGKILL');
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

// `node scripts/lib/vscode-server.mjs` installs the server and prints its paths.
if (process.argv[1] && path.resolve(process.argv[1]) === path.resolve(new URL(import.meta.url).pathname)) {
  try {
    console.log(await ensureServer());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
