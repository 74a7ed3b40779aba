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
import { LANGUAGES, manifestFile } from './texts.mjs';
import { bundledPackages, formatNotices, modelNotice, packageNotice } from './notices.mjs';

/**
 * @typedef {{ directory: string, target?: string, minify?: boolean }} StageOptions
 * `directory` is deleted and recreated.
 */

const require = createRequire(import.meta.url);

/** Platforms with a binary of onnxruntime-node. VS Code uses the same names. */
export const NATIVE_TARGETS = ['linux-x64', 'linux-arm64', 'win32-x64', 'win32-arm64', 'darwin-arm64'];
/** Platforms without one. The runtime is WebAssembly there. */
export const WASM_TARGETS = ['darwin-x64', 'alpine-x64', 'alpine-arm64'];
export const TARGETS = [...NATIVE_TARGETS, ...WASM_TARGETS];

export function hostTarget() {
  return `${process.platform}-${process.arch}`;
}

/**
 * The extension, which has no use for the terminal.
 * @param {StageOptions} options
 * @returns {Promise<string>} `directory`
 */
export async function stageExtension({ directory, target = hostTarget(), minify = false }) {
  if (!TARGETS.includes(target)) {
    throw new Error(`There is no runtime for ${target}. Choose one of: ${TARGETS.join(', ')}.`);
  }
  const wasm = WASM_TARGETS.includes(target);
  const metafiles = await build(directory, 'worker,mcp,editor', { minify, wasm });
  const modules = path.join(directory, 'dist', 'node_modules');
  const runtime = wasm ? await copyWasmRuntime(modules) : await copyRuntime(modules, [target]);
  await copyShipped(directory, [
    ...['README.md', 'CHANGELOG.md', 'LICENSE', '.vscodeignore', 'media', 'models', 'l10n'],
    ...[undefined, ...LANGUAGES].map(manifestFile),
  ]);
  await writeNotices(directory, metafiles, runtime);
  await writeManifest(directory);
  return directory;
}

/**
 * The npm package: terminal and server for agents, with the native runtime of every platform. The runtime is bundled,
 * because its own installer would download libraries for graphics processors.
 * @param {StageOptions} options
 * @returns {Promise<string>} `directory`
 */
export async function stageNpmPackage({ directory, minify = false }) {
  const metafiles = await build(directory, 'worker,cli,mcp', { minify });
  const runtime = await copyRuntime(path.join(directory, 'node_modules'), NATIVE_TARGETS);
  await copyShipped(directory, ['README.md', 'CHANGELOG.md', 'LICENSE', 'models', 'l10n']);
  await writeNotices(directory, metafiles, runtime);
  await writeNpmManifest(directory);
  return directory;
}

/** Builds of this process: a release makes many packages of the same bundles. */
const builds = new Map();

/** Bundles into `directory`/dist. @returns the folder of esbuild's lists of inputs */
async function build(directory, parts, { minify, wasm = false }) {
  const name = `${parts.replaceAll(',', '-')}${minify ? '-minified' : ''}${wasm ? '-wasm' : ''}`;
  if (!builds.has(name)) builds.set(name, await bundled(path.join(root, '.cache', 'package', 'builds', name)));
  const { dist, metafiles } = builds.get(name);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  await cp(dist, path.join(directory, 'dist'), { recursive: true });
  return metafiles;

  async function bundled(folder) {
    await rm(folder, { recursive: true, force: true });
    const made = { dist: path.join(folder, 'dist'), metafiles: path.join(folder, 'metafiles') };
    const { status } = spawnSync(
      process.execPath,
      [
        path.join(root, 'scripts', 'build.mjs'),
        `--only=${parts}`,
        ...['--outdir', made.dist, '--metafiles', made.metafiles],
        ...(minify ? ['--minify'] : []),
        ...(wasm ? ['--runtime', 'wasm'] : []),
      ],
      { stdio: ['ignore', 2, 2] },
    );
    if (status !== 0) throw new Error('The build failed. See the errors above.');
    return made;
  }
}

/**
 * Copies onnxruntime-node beside the bundles that require it, with the binaries of the targets and without its
 * installer.
 * @returns {Promise<string[]>} Folders of the copied packages.
 */
async function copyRuntime(modules, targets) {
  const runtime = path.dirname(require.resolve('onnxruntime-node/package.json'));
  const common = commonOf(runtime);
  const { version } = JSON.parse(await readFile(path.join(runtime, 'package.json'), 'utf8'));
  const binaries = path.join(runtime, 'bin', 'napi-v6');
  for (const target of targets) {
    const wanted = path.join(binaries, ...target.split('-'));
    if (!existsSync(wanted)) throw new Error(`${wanted} is missing. Install the dependencies again (npm ci).`);
  }
  await cp(runtime, path.join(modules, 'onnxruntime-node'), {
    recursive: true,
    filter: (source) => {
      const inside = path.relative(runtime, source).split(path.sep);
      if (['script', 'lib', 'node_modules', '__commit.txt'].includes(inside[0])) return false;
      if (/\.(map|d\.ts)$/.test(source)) return false;
      // Copies only the folders of the targets. A macOS library has two names, and only the loaded one is copied.
      const [, , platform, arch, file] = inside;
      if (file === `libonnxruntime.${version}.dylib`) return false;
      if (platform !== undefined && arch === undefined) return targets.some((each) => each.startsWith(`${platform}-`));
      return arch === undefined || targets.includes(`${platform}-${arch}`) || inside[0] !== 'bin';
    },
  });
  await withoutInstaller(path.join(modules, 'onnxruntime-node', 'package.json'));
  await copyCommon(common, modules);
  return [runtime, common];
}

/** The package that both runtimes share. It does not export its package.json; its entry is in dist/cjs. */
function commonOf(runtime) {
  const entry = createRequire(path.join(runtime, 'package.json')).resolve('onnxruntime-common');
  return path.resolve(path.dirname(entry), '..', '..');
}

async function copyCommon(common, modules) {
  await cp(common, path.join(modules, 'onnxruntime-common'), {
    recursive: true,
    filter: (source) =>
      !/\.(map|d\.ts)$/.test(source) &&
      !['lib', 'node_modules'].includes(path.relative(common, source).split(path.sep)[0]) &&
      !path.relative(common, source).startsWith(path.join('dist', 'esm')),
  });
}

/** Files of onnxruntime-web that Node loads; the others are for browsers. */
const WASM_FILES = ['ort.node.min.js', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'];

/** Copies onnxruntime-web beside the bundles that require it. @returns {Promise<string[]>} Folders of the packages. */
async function copyWasmRuntime(modules) {
  const dist = path.dirname(require.resolve('onnxruntime-web'));
  const runtime = path.dirname(dist);
  const target = path.join(modules, 'onnxruntime-web');
  await mkdir(path.join(target, 'dist'), { recursive: true });
  for (const file of WASM_FILES) await cp(path.join(dist, file), path.join(target, 'dist', file));
  const { name, version, license } = JSON.parse(await readFile(path.join(runtime, 'package.json'), 'utf8'));
  const main = 'dist/ort.node.min.js';
  await writeFile(path.join(target, 'package.json'), JSON.stringify({ name, version, license, main }, null, 2));
  const common = commonOf(runtime);
  await copyCommon(common, modules);
  return [runtime, common];
}

/** Removes the installer and the packages that only it needs, so that no package manager runs or fetches them. */
async function withoutInstaller(file) {
  const manifest = JSON.parse(await readFile(file, 'utf8'));
  delete manifest.scripts;
  manifest.dependencies = { 'onnxruntime-common': manifest.dependencies['onnxruntime-common'] };
  await writeFile(file, `${JSON.stringify(manifest, null, 2)}\n`);
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
    const files = await readdir(path.join(directory, 'dist', folder)).catch(() => []);
    return files.length === 0 ? undefined : { ...packageNotice(source, supplied), contents: files.join(', ') };
  });
  const licence = await readFile(path.join(root, 'LICENSE'), 'utf8');
  const models = await readdir(path.join(directory, 'models'));
  const pinned = await readdir(path.join(directory, 'dist', 'models')).catch(() => []);
  const notices = [
    ...(await Promise.all(copied)).filter((notice) => notice !== undefined),
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
  path.join('l10n', 'bundle.l10n.json'), // the English texts are in the code
];

async function copyShipped(directory, names) {
  for (const name of names) {
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

/** Writes the manifest of the npm package: the command, its files, and the runtime that travels with it. */
async function writeNpmManifest(directory) {
  const manifest = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
  const names = JSON.parse(await readFile(path.join(root, 'package.nls.json'), 'utf8'));
  const { name, version, license, repository, homepage, bugs, engines, bin, dependencies } = manifest;
  const runtime = {
    'onnxruntime-node': dependencies['onnxruntime-node'],
    'onnxruntime-common': dependencies['onnxruntime-node'],
  };
  await writeFile(
    path.join(directory, 'package.json'),
    JSON.stringify(
      {
        ...{ name, version, description: names.description, license, repository, homepage, bugs },
        keywords: ['mcp', 'code search', 'local', 'question answering'],
        engines: { node: engines.node },
        bin,
        files: ['dist', 'models', 'l10n', 'THIRD-PARTY-NOTICES.txt', 'CHANGELOG.md'],
        dependencies: runtime,
        bundleDependencies: Object.keys(runtime),
      },
      null,
      2,
    ),
  );
}
