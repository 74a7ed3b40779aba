/**
 * `npm run package [-- --target linux-x64] [-- --out FILE]`: makes a VSIX for this platform, or another one with a
 * binary of the native runtime. It uses a staged folder, so the working tree does not change.
 */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { installDependencies, root } from './lib/install.mjs';
import { isPlaceholder } from './lib/repository.mjs';

const { values } = parseArgs({ options: { target: { type: 'string' }, out: { type: 'string' } } });
installDependencies();
const { stageExtension, hostTarget } = await import('./lib/stage.mjs');
const { packVsix } = await import('./lib/vsix.mjs');

const target = values.target ?? hostTarget();
const staged = await stageExtension({ directory: path.join(root, '.cache', 'package', target), target, minify: true });
const file = path.resolve(values.out ?? path.join(root, `anchorage-${target}.vsix`));
mkdirSync(path.dirname(file), { recursive: true });
if (isPlaceholder(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')))) {
  console.log('package.json has no real repository owner yet, so the links of this package do not work.');
}
await packVsix({ staged, target, file });
console.log(
  `${file} (${(statSync(file).size / 1024 / 1024).toFixed(1)} MB). Install it with: code --install-extension ` +
    `${path.relative(process.cwd(), file)}`,
);
