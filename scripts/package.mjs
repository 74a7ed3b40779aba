/**
 * `npm run package [-- --target linux-x64] [-- --out FILE]`: makes a VSIX for this platform, or another one with a
 * binary of the native runtime. `--target npm` makes the npm package instead. It uses a staged folder, so the working
 * tree does not change.
 */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { installDependencies, root } from './lib/install.mjs';
import { isPlaceholder } from './lib/repository.mjs';

const { values } = parseArgs({ options: { target: { type: 'string' }, out: { type: 'string' } } });
installDependencies();
const { stageExtension, hostTarget } = await import('./lib/stage.mjs');

const target = values.target ?? hostTarget();
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
const name = target === 'npm' ? `anchorage-${manifest.version}.tgz` : `anchorage-${target}.vsix`;
const file = path.resolve(values.out ?? path.join(root, name));
mkdirSync(path.dirname(file), { recursive: true });
if (isPlaceholder(manifest)) {
  console.log('package.json has no real repository owner yet, so the links of this package do not work.');
}
if (target === 'npm') {
  const { packNpm } = await import('./lib/npm-package.mjs');
  await packNpm({ file });
} else {
  const { packVsix } = await import('./lib/vsix.mjs');
  const staged = await stageExtension({
    directory: path.join(root, '.cache', 'package', target),
    target,
    minify: true,
  });
  await packVsix({ staged, target, file });
}
const shown = path.relative(process.cwd(), file);
console.log(
  `${file} (${(statSync(file).size / 1024 / 1024).toFixed(1)} MB). ` +
    (target === 'npm'
      ? `Try it with: npx ${path.join('.', shown)} --help`
      : `Install it with: code --install-extension ${shown}`),
);
