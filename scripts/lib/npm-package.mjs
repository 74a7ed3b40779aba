import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { root } from './install.mjs';
import { npmEnvironment } from './npm-environment.mjs';
import { stageNpmPackage } from './stage.mjs';

/**
 * Stages and packs the npm package, with which `npx anchorage` works. Needs no network.
 * @param {{ file: string, minify?: boolean }} options
 */
export async function packNpm({ file, minify = true }) {
  const directory = await stageNpmPackage({ directory: path.join(root, '.cache', 'package', 'npm'), minify });
  const packed = spawnSync('npm', ['pack', '--json', '--ignore-scripts'], {
    cwd: directory,
    env: npmEnvironment(process.env),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 2],
    shell: process.platform === 'win32',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (packed.status !== 0) throw new Error('npm pack failed. See the messages above.');
  mkdirSync(path.dirname(file), { recursive: true });
  // Versions of npm give a list, or an object by package name.
  const [{ filename }] = Object.values(JSON.parse(packed.stdout));
  renameSync(path.join(directory, filename), file);
}
