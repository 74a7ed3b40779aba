/**
 * Gathers what is shipped into one folder: the manifest, the bundles, the native runtime of one platform, models and
 * pictures. The package is made from it, and the tests in the editor run it, so that both see the same thing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from './install.mjs';

const require = createRequire(import.meta.url);

/** Platforms that onnxruntime-node has a binary for; VS Code names them the same way. */
const TARGETS = ['linux-x64', 'linux-arm64', 'win32-x64', 'win32-arm64', 'darwin-arm64'];

export function hostTarget() {
  return `${process.platform}-${process.arch}`;
}

/**
 * @param {{ directory: string, target?: string, minify?: boolean }} options `directory` is made anew.
 * @returns {Promise<string>} `directory`
 */
export async function stageExtension({ directory, target = hostTarget(), minify = false }) {
  if (!TARGETS.includes(target)) {
    throw new Error(`onnxruntime-node has no binary for ${target}; packages can be made for ${TARGETS.join(', ')}.`);
  }
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const dist = path.join(directory, 'dist');
  const build = spawnSync(
    process.execPath,
    [path.join(root, 'scripts', 'build.mjs'), '--outdir', dist, ...(minify ? ['--minify'] : [])],
    { stdio: ['ignore', 2, 2] },
  );
  if (build.status !== 0) throw new Error('The build failed; the lines above say why.');
  await copyRuntime(path.join(dist, 'node_modules'), target);
  await copyShipped(directory);
  await writeManifest(directory);
  return directory;
}

/** onnxruntime-node beside the bundles that require it, with the binary of one platform and without its installer. */
async function copyRuntime(modules, target) {
  const [platform, arch] = target.split('-');
  const runtime = path.dirname(require.resolve('onnxruntime-node/package.json'));
  // Its package.json is not exported: the entry lies in dist/cjs below it.
  const common = path.resolve(
    path.dirname(createRequire(path.join(runtime, 'package.json')).resolve('onnxruntime-common')),
    '..',
    '..',
  );
  const binaries = path.join(runtime, 'bin', 'napi-v6');
  const wanted = path.join(binaries, platform, arch);
  if (!existsSync(wanted)) throw new Error(`${wanted} is absent: install the dependencies again (npm ci).`);
  await cp(runtime, path.join(modules, 'onnxruntime-node'), {
    recursive: true,
    filter: (source) => {
      const inside = path.relative(runtime, source).split(path.sep);
      if (['script', 'lib', 'node_modules', '__commit.txt'].includes(inside[0])) return false;
      if (/\.(map|d\.ts)$/.test(source)) return false;
      // Only the wanted platform's folder, and of the two names of one macOS library only the one that is loaded.
      if (inside[0] === 'bin' && inside.length >= 3 && inside[2] !== platform) return false;
      if (inside[0] === 'bin' && inside.length >= 4 && inside[3] !== arch) return false;
      return true;
    },
  });
  await cp(common, path.join(modules, 'onnxruntime-common'), {
    recursive: true,
    filter: (source) =>
      !/\.(map|d\.ts)$/.test(source) &&
      !['lib', 'node_modules'].includes(path.relative(common, source).split(path.sep)[0]) &&
      !path.relative(common, source).startsWith(path.join('dist', 'esm')),
  });
}

async function copyShipped(directory) {
  for (const name of ['README.md', 'CHANGELOG.md', 'LICENSE', 'package.nls.json', '.vscodeignore', 'media', 'models']) {
    const source = path.join(root, name);
    if (!existsSync(source)) continue;
    // The recipe that made the model is for its makers.
    await cp(source, path.join(directory, name), {
      recursive: true,
      filter: (file) => !path.relative(root, file).startsWith(path.join('models', 'recipe')),
    });
  }
}

/** What runs is bundled, so a package depends on nothing and has no scripts. */
async function writeManifest(directory) {
  const manifest = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  for (const key of ['scripts', 'dependencies', 'devDependencies', 'private', 'bin']) delete manifest[key];
  await writeFile(path.join(directory, 'package.json'), JSON.stringify(manifest, null, 2));
}
