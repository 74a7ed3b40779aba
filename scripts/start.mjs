/**
 * `npm start`: from a fresh clone to a cited answer. Installs missing dependencies, builds if the sources are newer
 * than the bundles, and asks a question about this repository. `npm start -- "question" --workspace DIR` asks another
 * question about another folder.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { installDependencies, root } from './lib/install.mjs';

const DEFAULT_QUESTION = 'How are the citations of an answer checked?';

/** Latest modification time (ms) of the files in `path`. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), 0);
}

function built() {
  const bundles = ['cli.js', 'mcp.js', 'worker.js', 'inference.js', 'segment-thread.js', 'extraction-thread.js'].map(
    (name) => join(root, 'dist', name),
  );
  if (!bundles.every((file) => existsSync(file))) return false;
  const oldestBundle = Math.min(...bundles.map((file) => statSync(file).mtimeMs));
  return ['src', 'scripts/build.mjs', 'package-lock.json'].every((path) => newest(join(root, path)) <= oldestBundle);
}

installDependencies();
if (!built()) {
  const build = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs'), '--only=worker,cli,mcp'], {
    stdio: ['ignore', 2, 2],
  });
  if (build.status !== 0) process.exit(build.status ?? 1);
}

const given = process.argv.slice(2);
const asked = given.length > 0 ? given : [DEFAULT_QUESTION, '--workspace', root];
if (given.length === 0) console.error(`Asking this repository: ${DEFAULT_QUESTION}\n`);
const answer = spawnSync(process.execPath, [join(root, 'dist', 'cli.js'), 'ask', ...asked], { stdio: 'inherit' });
process.exit(answer.status ?? 1);
