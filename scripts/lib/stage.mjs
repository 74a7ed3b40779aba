/**
 * Gathers what is shipped into one folder: the manifest, the bundles, the native runtime of one platform, models and
 * pictures. The package is made from it, and the tests in the editor run it, so that both see the same thing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from './install.mjs';
import { bundledPackages, formatNotices, modelNotice, packageNotice } from './notices.mjs';

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
  const metafiles = `${directory}.metafiles`;
  const build = spawnSync(
    process.execPath,
    [
      path.join(root, 'scripts', 'build.mjs'),
      // The terminal command is not started from the editor.
      '--only=worker,editor',
      ...['--outdir', dist, '--metafiles', metafiles],
      ...(minify ? ['--minify'] : []),
    ],
    { stdio: ['ignore', 2, 2] },
  );
  if (build.status !== 0) throw new Error('The build failed; the lines above say why.');
  const runtime = await copyRuntime(path.join(dist, 'node_modules'), target);
  await copyShipped(directory);
  await writeNotices(directory, metafiles, runtime);
  await rm(metafiles, { recursive: true, force: true });
  await writeManifest(directory);
  return directory;
}

/**
 * onnxruntime-node beside the bundles that require it, with the binary of one platform and without its installer.
 * @returns {Promise<string[]>} Folders of the packages that were copied from.
 */
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
  return [runtime, common];
}

/** Packages with files that scripts/build.mjs copies beside the bundles: name → folder in dist. */
const COPIED = { '@vscode/tree-sitter-wasm': 'tree-sitter', '@vscode/codicons': 'codicons' };

/** The licences of all that is shipped: packages in the bundles or copied beside them, and models. */
async function writeNotices(directory, metafiles, runtime) {
  const bundles = await Promise.all(
    (await readdir(metafiles)).map(async (name) => JSON.parse(await readFile(path.join(metafiles, name), 'utf8'))),
  );
  const supplied = path.join(root, 'scripts', 'licences');
  const packages = new Set([...bundledPackages(bundles, root), ...runtime.map((each) => realpathSync(each))]);
  const copied = Object.entries(COPIED).map(async ([name, folder]) => {
    const source = realpathSync(path.join(root, 'node_modules', name));
    packages.delete(source);
    const files = await readdir(path.join(directory, 'dist', folder));
    return { ...packageNotice(source, supplied), contents: files.join(', ') };
  });
  const licence = await readFile(path.join(root, 'LICENSE'), 'utf8');
  const models = await readdir(path.join(directory, 'models'));
  const notices = [
    ...(await Promise.all(copied)),
    ...[...packages].map((each) => packageNotice(each, supplied)),
    ...models.map((name) => modelNotice(path.join(directory, 'models', name), licence)),
  ];
  await writeFile(path.join(directory, 'THIRD-PARTY-NOTICES.txt'), formatNotices(notices));
}

/** What the README and the build use and the extension does not. */
const NOT_SHIPPED = [path.join('models', 'recipe'), path.join('media', 'screenshots'), path.join('media', 'logo.svg')];

async function copyShipped(directory) {
  for (const name of ['README.md', 'CHANGELOG.md', 'LICENSE', 'package.nls.json', '.vscodeignore', 'media', 'models']) {
    const source = path.join(root, name);
    if (!existsSync(source)) continue;
    await cp(source, path.join(directory, name), {
      recursive: true,
      filter: (file) => !NOT_SHIPPED.includes(path.relative(root, file)),
    });
  }
}

/** What runs is bundled, so a package depends on nothing and has no scripts. */
async function writeManifest(directory) {
  const manifest = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  for (const key of ['scripts', 'dependencies', 'devDependencies', 'bin']) delete manifest[key];
  await writeFile(path.join(directory, 'package.json'), JSON.stringify(manifest, null, 2));
}
