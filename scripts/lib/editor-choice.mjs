/**
 * Chooses the editor for the suite in the extension host: a downloaded VS Code if it can be downloaded and shown, else
 * the VS Code server from npm. The result has the reason. If the requested editor is not available, it throws an error
 * and uses no other.
 */
import { spawnSync } from 'node:child_process';

/** Milliseconds without data after which a download fails. */
const DOWNLOAD_PATIENCE = 10_000;

/**
 * @param {{ wish?: string, platform: string, env: Record<string, string | undefined>,
 *   probes: import('./editor-choice.mjs').Probes }} given
 * @returns {Promise<import('./editor-choice.mjs').EditorChoice>}
 * @throws Error with advice if the requested editor is not available
 */
export async function chooseEditor({ wish = '', platform, env, probes }) {
  if (!['', 'electron', 'server'].includes(wish))
    throw new Error(
      `ANCHORAGE_VSCODE is "${wish}". Set it to "electron" (a downloaded VS Code) or "server" (the one from npm), ` +
        `or unset it to use the one that is available.`,
    );
  if (wish === 'server') return { kind: 'server', why: 'ANCHORAGE_VSCODE=server requests it' };
  const detour = (why, remedy) => {
    if (wish === 'electron') throw new Error(`ANCHORAGE_VSCODE=electron is not possible: ${why}. ${remedy}`);
    return { kind: 'server', why };
  };
  const display = displayOf(platform, env, probes);
  // The display is checked first, because an editor that cannot be shown need not be downloaded.
  if (!display) return detour('there is no display and no xvfb-run', 'Set DISPLAY, or install xvfb.');
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
  // -a takes a free display number, because another run may be active.
  return probes.hasCommand('xvfb-run') ? { prefix: ['xvfb-run', '-a'], why: 'xvfb-run shows it' } : undefined;
}

/** Errors of the download may be strings. */
function firstLine(error) {
  return String(error?.message ?? error).split('\n')[0];
}

/**
 * The probes on a real machine.
 * @param {string} cachePath Folder of downloaded editors.
 * @returns {import('./editor-choice.mjs').Probes}
 */
export function machineProbes(cachePath) {
  return {
    download: async () => {
      const { downloadAndUnzipVSCode } = await import('@vscode/test-electron');
      return downloadAndUnzipVSCode({ version: 'stable', cachePath, timeout: DOWNLOAD_PATIENCE });
    },
    hasCommand: (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0,
    // Run as plain Node, the editor needs the same shared libraries, but no display and no profile.
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
