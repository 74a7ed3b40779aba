import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DownloadError, runDownload } from './download.mjs';
import { npmEnvironment } from './npm-environment.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where the output of downloads is kept. */
export const logs = join(root, '.cache', 'logs');

/**
 * Installs the npm dependencies when they are missing or older than the lock file.
 * onnxruntime-node's own install step would fetch CUDA files, which a CPU does not need: the CPU binary is in the
 * package.
 */
export function installDependencies() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Node 20.19 or later is needed; this is ${process.versions.node}.`);
    process.exit(1);
  }
  const marker = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  if (existsSync(marker) && statSync(marker).mtimeMs >= statSync(lock).mtimeMs) return;
  console.error('Installing the npm dependencies named in package.json …');
  // Not `npm ci`: a mirror may lack the binaries of other platforms, which `ci` insists on although they are optional.
  // `install` takes the same versions from the lock file, leaves the lock file alone with --no-save, and does without
  // them.
  try {
    runDownload({
      what: 'The npm dependencies',
      command: 'npm',
      args: ['install', '--no-save', '--no-audit', '--no-fund'],
      logFile: join(logs, 'npm-install.log'),
      cwd: root,
      env: { ...npmEnvironment(process.env), ONNXRUNTIME_NODE_INSTALL: 'skip' },
    });
  } catch (error) {
    if (!(error instanceof DownloadError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
