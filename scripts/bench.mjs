/**
 * `npm run bench -- NAME [arguments]`: builds test/bench/NAME.ts and runs it. Each bench measures Anchorage and its
 * peers in one run and prints ratios. Without a name it lists the benches. `--save` also writes the output, with the
 * machine and the commit, to docs/results/runs/NAME.md, or NAME-PART.md if the run names parts.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { installDependencies, root } from './lib/install.mjs';

installDependencies();
const folder = join(root, 'test', 'bench');
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -3));
const [name, ...given] = process.argv.slice(2);
const rest = given.filter((argument) => argument !== '--save');
if (!name || !names.includes(name)) {
  console.log(`Usage: npm run bench -- NAME [arguments]\nBenches: ${names.join(', ')}`);
  process.exit(name ? 2 : 0);
}
// Some peers load ONNX Runtime too, so this is set before their imports.
process.env['ORT_DISABLE_TELEMETRY'] = '1';
// Imported here, because on a fresh clone it has just been installed.
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
const printed = given.includes('--save') ? recordConsole() : undefined;
await bench.run(rest);
if (printed) saveRun(printed);

/** Records every line that the bench prints. */
function recordConsole() {
  const lines = [];
  const log = console.log;
  console.log = (...parts) => {
    lines.push(parts.join(' '));
    log(...parts);
  };
  return lines;
}

function saveRun(lines) {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  const flags = rest.filter((argument) => !argument.includes('/')).join(' ');
  const processors = cpus();
  const date = new Date().toISOString().slice(0, 10);
  // The words before the first flag name parts of the bench; paths do not.
  const flag = rest.findIndex((argument) => argument.startsWith('-'));
  const words = rest.slice(0, flag === -1 ? rest.length : flag).filter((argument) => !argument.includes('/'));
  const run = [name, ...words].join('-');
  const heading = `# ${run}\n\n\`npm run bench -- ${`${name} ${flags}`.trim()}\` at ${commit}, ${date}`;
  const model = processors[0]?.model.trim() ?? 'unknown processor';
  const machine = `Node ${process.versions.node}, ${processors.length} × ${model}`;
  const file = join(root, 'docs', 'results', 'runs', `${run}.md`);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `${heading},\n${machine}.\n\n\`\`\`text\n${lines.join('\n')}\n\`\`\`\n`);
  console.log(`Saved to ${file}.`);
}
