/**
 * `npm run lint [-- --fix]`: runs ESLint (layers, import cycles, names, lengths) and Prettier over the whole tree.
 * Results of unchanged files come from .cache/lint. `--fix` applies automatic fixes.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { installDependencies, root } from './lib/install.mjs';

installDependencies();
const fix = process.argv.includes('--fix');
const cache = join(root, '.cache', 'lint');
const checks = [
  [
    'eslint/bin/eslint.js',
    '.',
    '--cache',
    '--cache-strategy=content',
    `--cache-location=${join(cache, 'eslint')}`,
    ...(fix ? ['--fix'] : []),
  ],
  [
    'prettier/bin/prettier.cjs',
    '.',
    '--cache',
    '--cache-strategy=content',
    `--cache-location=${join(cache, 'prettier')}`,
    '--log-level=warn',
    fix ? '--write' : '--check',
  ],
];
let failed = false;
for (const [script, ...args] of checks) {
  const { status } = spawnSync(process.execPath, [join(root, 'node_modules', script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
