/**
 * `npm run release [-- --out DIR] [-- --no-rehearsal]`: makes everything that is published. A VSIX for each platform,
 * the npm package, the changes of this version, the notices, and SHA256SUMS over all of them. Then vsce and ovsx
 * publish the packages to a registry on this machine (lib/rehearse-publish.mjs).
 */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { installDependencies, root } from './lib/install.mjs';
import { isPlaceholder } from './lib/repository.mjs';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: path.join(root, '.cache', 'release') },
    'no-rehearsal': { type: 'boolean', default: false },
  },
});
installDependencies();
const { stageExtension, TARGETS, WASM_TARGETS } = await import('./lib/stage.mjs');
const { packVsix } = await import('./lib/vsix.mjs');
const { packNpm } = await import('./lib/npm-package.mjs');
const { rehearsePublish } = await import('./lib/rehearse-publish.mjs');

const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const { version } = manifest;
const out = path.resolve(values.out);
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

for (const target of TARGETS) {
  const directory = path.join(root, '.cache', 'package', target);
  const staged = await stageExtension({ directory, target, minify: true });
  await packVsix({ staged, target, file: path.join(out, `anchorage-${version}-${target}.vsix`) });
  // Targets with the same runtime have the same notices.
  const notices = WASM_TARGETS.includes(target) ? 'THIRD-PARTY-NOTICES-wasm.txt' : 'THIRD-PARTY-NOTICES.txt';
  copyFileSync(path.join(staged, 'THIRD-PARTY-NOTICES.txt'), path.join(out, notices));
  rmSync(directory, { recursive: true, force: true });
}
await packNpm({ file: path.join(out, `anchorage-${version}.tgz`) });
writeFileSync(path.join(out, 'CHANGES.md'), changesOf(version));

const names = readdirSync(out).sort();
const sums = names.map((name) => {
  const sum = createHash('sha256').update(readFileSync(path.join(out, name)));
  return `${sum.digest('hex')}  ${name}\n`;
});
writeFileSync(path.join(out, 'SHA256SUMS'), sums.join(''));
for (const name of names) {
  console.log(`${(statSync(path.join(out, name)).size / 1024 / 1024).toFixed(1).padStart(6)} MB  ${name}`);
}
if (!values['no-rehearsal']) {
  const packages = names.filter((name) => name.endsWith('.vsix')).map((name) => path.join(out, name));
  for (const line of await rehearsePublish(packages)) console.log(`Rehearsal with ${line}.`);
}
console.log(`${out} has all of them, with their sums in SHA256SUMS.`);
if (isPlaceholder(manifest)) console.log('Put the real owner into package.json before you publish.');

/** The section of the changelog about a version. */
function changesOf(wanted) {
  const sections = readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8').split(/^(?=## )/m);
  const section = sections.find((text) => text.startsWith(`## ${wanted}`));
  if (!section) throw new Error(`CHANGELOG.md has no section about ${wanted}.`);
  return section;
}
