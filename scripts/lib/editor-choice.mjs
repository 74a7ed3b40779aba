/**
 * Which editor the suite in the extension host runs in: VS Code as its makers build it, where one can be had and shown,
 * else the VS Code that npm carries. Always says why; what was asked for by name and cannot be had is an error, never a
 * detour.
 */
import { spawnSync } from 'node:child_process';

/** Milliseconds without a byte after which a download counts as not to be had. */
const DOWNLOAD_PATIENCE = 10_000;

/**
 * @param {{ wish?: string, platform: string, env: Record<string, string | undefined>,
 *   probes: import('./editor-choice.mjs').Probes }} given
 * @returns {Promise<import('./editor-choice.mjs').EditorChoice>}
 * @throws Error that says what to do when `wish` cannot be met
 */
export async function chooseEditor({ wish = '', platform, env, probes }) {
  if (!['', 'electron', 'server'].includes(wish))
    throw new Error(
      `ANCHORAGE_VSCODE is "${wish}"; it may be "electron" (a downloaded VS Code), "server" (the one from ` +
        `npm), or nothing: then what can be had is taken.`,
    );
  if (wish === 'server') return { kind: 'server', why: 'ANCHORAGE_VSCODE=server asks for it' };
  const detour = (why, remedy) => {
    if (wish === 'electron') throw new Error(`ANCHORAGE_VSCODE=electron cannot be met: ${why}. ${remedy}`);
    return { kind: 'server', why };
  };
  const display = displayOf(platform, env, probes);
  // Asked first, because it costs nothing: an editor that cannot be shown need not be downloaded.
  if (!display) return detour('there is no display, and no xvfb-run to make one', 'Set DISPLAY, or install xvfb.');
  const downloaded = await probes.download().then(
    (executable) => ({ executable }),
    (error) => ({ reason: firstLine(error) }),
  );
  if (!downloaded.executable)
    return detour(
      `VS Code could not be downloaded (${downloaded.reason})`,
      'Check the network or the proxy (HTTPS_PROXY).',
    );
  const fault = probes.startFault(downloaded.executable);
  if (fault)
    return detour(
      `the downloaded VS Code does not start on this machine (${fault})`,
      'Install the libraries it names.',
    );
  return {
    kind: 'electron',
    executable: downloaded.executable,
    prefix: display.prefix,
    why: `VS Code was downloaded, and ${display.why}`,
  };
}

function displayOf(platform, env, probes) {
  if (platform !== 'linux') return { prefix: [], why: 'this system has a display' };
  if (env.DISPLAY || env.WAYLAND_DISPLAY)
    return { prefix: [], why: `the display ${env.DISPLAY || env.WAYLAND_DISPLAY} shows it` };
  // -a takes a free display number: another run may be under way.
  return probes.hasCommand('xvfb-run') ? { prefix: ['xvfb-run', '-a'], why: 'xvfb-run shows it' } : undefined;
}

/** Errors of the download may be strings. */
function firstLine(error) {
  return String(error?.message ?? error).split('\n')[0];
}

/**
 * The probes on a real machine.
 * @param {string} cachePath Where downloaded editors are kept.
 * @returns {import('./editor-choice.mjs').Probes}
 */
export function machineProbes(cachePath) {
  return {
    download: async () => {
      const { downloadAndUnzipVSCode } = await import('@vscode/test-electron');
      return downloadAndUnzipVSCode({ version: 'stable', cachePath, timeout: DOWNLOAD_PATIENCE });
    },
    hasCommand: (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0,
    // As plain Node it needs the same shared libraries and neither a display nor a profile.
    startFault: (executable) => {
      const { status, error, stderr } = spawnSync(executable, ['-e', '0'], {
        env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
        encoding: 'utf8',
        timeout: 60_000,
      });
      if (status === 0) return undefined;
      return firstLine(error ?? (stderr.trim() || `exit code ${status}`));
    },
  };
}
