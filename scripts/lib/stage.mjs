/**
 * Gathers the shipped files in one folder: manifest, bundles, native runtime of one platform, models and pictures. The
 * package is made from this folder, and the tests in the editor run it, so both use the same files.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from './install.mjs';
import { bundledPackages, formatNotices, modelNotice, packageNotice } from './notices.mjs';

const require = createRequire(import.meta.url);

/** Platforms with a binary of onnxruntime-node. VS Code uses the same names. */
const TARGETS = ['linux-x64', 'linux-arm64', 'win32-x64', 'win32-arm64', 'darwin-arm64'];

export function hostTarget() {
  return `${process.platform}-${process.arch}`;
}

/**
 * @param {{ directory: string, target?: string, minify?: boolean }} options `directory` is deleted and recreated.
 * @returns {Promise<string>} `directory`
 */
export async function stageExtension({ directory, target = hostTarget(), minify = false }) {
  if (!TARGETS.includes(target)) {
    throw new Error(`onnxruntime-node has no binary for ${target}. Choose one of: ${TARGETS.join(', ')}.`);
  }
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const dist = path.join(directory, 'dist');
  const metafiles = `${directory}.metafiles`;
  const build = spawnSync(
    process.execPath,
    [
      path.join(root, 'scripts', 'build.mjs'),
      // The extension does not use the command-line tool.
      '--only=worker,editor',
      ...['--outdir', dist, '--metafiles', metafiles],
      ...(minify ? ['--minify'] : []),
    ],
    { stdio: ['ignore', 2, 2] },
  );
  if (build.status !== 0) throw new Error('The build failed. See the errors above.');
  const runtime = await copyRuntime(path.join(dist, 'node_modules'), target);
  await copyShipped(directory);
  await writeNotices(directory, metafiles, runtime);
  await rm(metafiles, { recursive: true, force: true });
  await writeManifest(directory);
  return directory;
}

/**
 * Copies onnxruntime-node beside the bundles that require it, with the binary of one platform and without its
 * installer.
 * @returns {Promise<string[]>} Folders of the copied packages.
 */
async function copyRuntime(modules, target) {
  const [platform, arch] = target.split('-');
  const runtime = path.dirname(require.resolve('onnxruntime-node/package.json'));
  // The package does not export its package.json. Its entry is in dist/cjs.
  const common = path.resolve(
    path.dirname(createRequire(path.join(runtime, 'package.json')).resolve('onnxruntime-common')),
    '..',
    '..',
  );
  const binaries = path.join(runtime, 'bin', 'napi-v6');
  const wanted = path.join(binaries, platform, arch);
  if (!existsSync(wanted)) throw new Error(`${wanted} is missing. Install the dependencies again (npm ci).`);
  await cp(runtime, path.join(modules, 'onnxruntime-node'), {
    recursive: true,
    filter: (source) => {
      const inside = path.relative(runtime, source).split(path.sep);
      if (['script', 'lib', 'node_modules', '__commit.txt'].includes(inside[0])) return false;
      if (/\.(map|d\.ts)$/.test(source)) return false;
      // Copies only the folder of the platform. A macOS library has two names, and only the loaded one is copied.
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

/** Packages whose files scripts/build.mjs copies beside the bundles: name → folder in dist. */
const COPIED = { '@vscode/tree-sitter-wasm': 'tree-sitter', '@vscode/codicons': 'codicons' };

/** Writes the licences of all shipped components: bundled or copied packages, and models. */
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
  const pinned = await readdir(path.join(directory, 'dist', 'models')).catch(() => []);
  const notices = [
    ...(await Promise.all(copied)),
    ...[...packages].map((each) => packageNotice(each, supplied)),
    ...models.map((name) => modelNotice(path.join(directory, 'models', name), licence)),
    ...pinned.map((name) => modelNotice(path.join(directory, 'dist', 'models', name), licence)),
  ];
  await writeFile(path.join(directory, 'THIRD-PARTY-NOTICES.txt'), formatNotices(notices));
}

/** Folders that the README and the build use, but the extension does not. */
const NOT_SHIPPED = [
  path.join('models', 'recipe'),
  path.join('models', 'anchorage-reader-135m'), // an adapter without its base: nothing loads it yet
  path.join('media', 'screenshots'),
  path.join('media', 'logo.svg'),
];

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

/** Writes the manifest without dependencies and scripts, because the code is bundled. */
async function writeManifest(directory) {
  const manifest = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  for (const key of ['scripts', 'dependencies', 'devDependencies', 'bin']) delete manifest[key];
  await writeFile(path.join(directory, 'package.json'), JSON.stringify(manifest, null, 2));
}
