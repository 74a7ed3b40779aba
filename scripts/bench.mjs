/**
 * `npm run bench -- NAME [arguments]`: builds test/bench/NAME.ts and runs it. Each bench measures ours and its peers in one
 * run and prints ratios. Without a name it lists them.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { installDependencies, root } from './lib/install.mjs';

installDependencies();
const folder = join(root, 'test', 'bench');
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3));
const [name, ...rest] = process.argv.slice(2);
if (!name || !names.includes(name)) {
  console.log(`Usage: npm run bench -- NAME [arguments]\nBenches: ${names.join(', ')}`);
  process.exit(name ? 2 : 0);
}
// Imported only now: on a fresh clone it has just been installed.
const { build } = await import('esbuild');
const outfile = join(root, '.cache', 'bench', `${name}.mjs`);
await build({
  entryPoints: [join(folder, `${name}.ts`)],
  outfile,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'warning',
});
const bench = await import(pathToFileURL(outfile).href);
await bench.run(rest);
