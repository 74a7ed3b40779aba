/**
 * `npm run vscode [-- FOLDER] [-- --port N] [-- --trust]`: runs the extension in the VS Code server from npm, on a
 * loopback port, for manual tests. Prints the address. Stop with Ctrl+C. `--trust` leaves workspace trust on
 * (Restricted Mode).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { installDependencies, root } from './lib/install.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: 'string' }, trust: { type: 'boolean', default: false } },
});
installDependencies();
const { stageExtension } = await import('./lib/stage.mjs');
const { ensureServer, startServer } = await import('./lib/vscode-server.mjs');

const folder = path.resolve(positionals[0] ?? root);
const installed = await ensureServer({ browser: false }).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
const staged = await stageExtension({ directory: path.join(root, '.cache', 'vscode') });
const directory = mkdtempSync(path.join(tmpdir(), 'anchorage-vscode-'));
const extensions = path.join(directory, 'extensions');
await mkdir(extensions);
await symlink(staged, path.join(extensions, 'anchorage.anchorage-0.0.0'));
const server = await startServer(installed, {
  directory,
  extensions,
  trust: values.trust,
  ...(values.port ? { port: Number(values.port) } : {}),
});
console.log(
  `\n  ${server.origin}/?folder=${encodeURIComponent(folder)}\n\nOpen this address in a browser. Ctrl+C ends ` +
    `the editor.`,
);

let ending = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (ending) return;
    ending = true;
    void server.stop().finally(() => {
      rmSync(directory, { recursive: true, force: true });
      process.exit(0);
    });
  });
}
// The server is detached, so this timer keeps the command running.
setInterval(() => undefined, 1 << 30);
