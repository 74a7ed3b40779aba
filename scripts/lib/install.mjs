import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DownloadError, runDownload } from './download.mjs';
import { npmEnvironment } from './npm-environment.mjs';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Folder of download logs. */
export const logs = join(root, '.cache', 'logs');

/**
 * Installs the npm dependencies if they are missing or older than the lock file. The install step of onnxruntime-node
 * is skipped: it downloads CUDA files, and the package already has the CPU binary.
 */
export function installDependencies() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Anchorage needs Node 20.19 or later. This is Node ${process.versions.node}.`);
    process.exit(1);
  }
  const marker = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  if (existsSync(marker) && statSync(marker).mtimeMs >= statSync(lock).mtimeMs) return;
  console.error('Installing npm dependencies …');
  // `npm ci` requires the optional binaries of other platforms, which a mirror may lack. `npm install --no-save` does
  // not require them. It takes the same versions from the lock file and does not change it.
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
