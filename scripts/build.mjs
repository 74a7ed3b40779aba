/**
 * `npm run build [-- --watch] [-- --minify] [-- --only=worker,cli,mcp,editor] [-- --metafiles DIR] [-- --reader]
 * [-- --runtime wasm]`:
 * bundles the product into dist/. `--metafiles` writes esbuild's list of inputs per bundle, for a package's notices.
 *
 * worker:   worker.js, inference.js, and the threads of indexing: segment-thread.js and extraction-thread.js
 *           (Node, CommonJS)
 * cli:      cli.js (Node, CommonJS), which starts the worker's processes and loads mcp.js
 * mcp:      mcp.js (Node, CommonJS), the server for agents
 * editor:   extension.js (CommonJS; the editor provides `vscode`) and webview/*.js (browser)
 *
 * worker also compiles the pinned sentence encoder into models/.
 * --reader also copies the base of the bundled reader there (98 MB); the reader then writes answers.
 *
 * onnxruntime-node is not bundled, because it loads a native binary from its own folder. `--runtime wasm` takes
 * onnxruntime-web instead, for platforms without such a binary. The grammars are copied beside the bundles.
 */
import { context } from 'esbuild';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildEncoder } from './lib/build-encoder.mjs';
import { buildReader } from './lib/build-reader.mjs';
import { root } from './lib/install.mjs';

const require = createRequire(import.meta.url);
const { values } = parseArgs({
  options: {
    watch: { type: 'boolean', default: false },
    minify: { type: 'boolean', default: false },
    only: { type: 'string', default: 'worker,cli,mcp,editor' },
    metafiles: { type: 'string' },
    reader: { type: 'boolean', default: false },
    runtime: { type: 'string', default: 'native' },
    outdir: { type: 'string', default: join(root, 'dist') },
  },
});
const parts = values.only.split(',');
const dist = values.outdir;

const shared = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  minify: values.minify,
  sourcemap: values.minify ? false : 'linked',
  logLevel: 'warning',
  legalComments: 'none',
  metafile: values.metafiles !== undefined,
  define: {
    'process.env.NODE_ENV': values.minify ? '"production"' : '"development"',
    "process.env['ANCHORAGE_RUNTIME']": JSON.stringify(values.runtime),
  },
};
const external = ['vscode', 'onnxruntime-node', 'onnxruntime-web'];
/** Puts src/engine/onnxruntime-wasm.ts in the place of onnxruntime.ts. */
const onWasm = {
  name: 'wasm-runtime',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\/onnxruntime$/ }, () => ({
      path: join(root, 'src', 'engine', 'onnxruntime-wasm.ts'),
    }));
  },
};
const node = {
  ...shared,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external,
  plugins: values.runtime === 'wasm' ? [onWasm] : [],
};
/** Libraries that read PDF, EPUB and DOCX are in the extraction thread's bundle only. */
const withoutDocuments = { ...node, external: [...external, './extraction-work'] };

/** @type {{ name: string, part: string, options: import('esbuild').BuildOptions }[]} */
const bundles = [
  {
    name: 'worker',
    part: 'worker',
    options: {
      ...withoutDocuments,
      entryPoints: {
        worker: 'src/worker/main.ts',
        inference: 'src/inference/main.ts',
        'segment-thread': 'src/workspace/segments/thread.ts',
      },
    },
  },
  {
    name: 'documents',
    part: 'worker',
    options: { ...node, entryPoints: { 'extraction-thread': 'src/workspace/sources/extractors/thread.ts' } },
  },
  { name: 'cli', part: 'cli', options: { ...withoutDocuments, entryPoints: { cli: 'src/cli/main.ts' } } },
  { name: 'mcp', part: 'mcp', options: { ...withoutDocuments, entryPoints: { mcp: 'src/mcp/main.ts' } } },
  { name: 'extension', part: 'editor', options: { ...node, entryPoints: { extension: 'src/host/extension.ts' } } },
  {
    name: 'webview',
    part: 'editor',
    options: {
      ...shared,
      outdir: join(dist, 'webview'),
      platform: 'browser',
      format: 'iife',
      target: 'es2022',
      entryPoints: webviewEntries(),
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true, useDefineForClassFields: false } },
      loader: { '.ttf': 'file' },
    },
  },
];

/** Entry points of the panels: the files directly in src/webview. Its folders have the rest. */
function webviewEntries() {
  const folder = join(root, 'src', 'webview');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name));
}

/** Grammars that no language of src/workspace/languages uses. */
const UNUSED_GRAMMARS = ['tree-sitter-regex.wasm'];

/** Files that are read at run time and not bundled: [source, path in dist]. */
function assets() {
  const grammars = dirname(require.resolve('@vscode/tree-sitter-wasm'));
  const files = readdirSync(grammars)
    .filter((name) => name.endsWith('.wasm') && !UNUSED_GRAMMARS.includes(name))
    .map((name) => [join(grammars, name), join('tree-sitter', name)]);
  if (parts.includes('editor')) {
    const codicons = join(dirname(require.resolve('@vscode/codicons/package.json')), 'dist');
    for (const name of ['codicon.css', 'codicon.ttf']) files.push([join(codicons, name), join('codicons', name)]);
  }
  return files;
}

const started = Date.now();
for (const [source, target] of assets()) {
  mkdirSync(join(dist, dirname(target)), { recursive: true });
  copyFileSync(source, join(dist, target));
}
const chosen = bundles.filter(({ part }) => parts.includes(part));
const contexts = await Promise.all(chosen.map(({ options }) => context(options)));
try {
  if (values.watch) {
    await Promise.all(contexts.map((each) => each.watch()));
    console.error(`Watching src. Each change rebuilds ${basename(dist)}/. Stop with Ctrl+C.`);
  } else {
    const results = await Promise.all(contexts.map((each) => each.rebuild()));
    if (values.metafiles) {
      mkdirSync(values.metafiles, { recursive: true });
      results.forEach(({ metafile }, i) => {
        writeFileSync(join(values.metafiles, `${chosen[i].name}.json`), JSON.stringify(metafile));
      });
    }
    const missing = parts.includes('worker') ? await buildEncoder(dist) : undefined;
    if (missing) console.error(`Built without the sentence encoder. ${missing}`);
    const unread = values.reader && parts.includes('worker') ? await buildReader(dist) : undefined;
    if (unread) console.error(`Built without the bundled reader: answers will only quote. ${unread}`);
    console.error(`Built ${parts.join(' and ')} into ${basename(dist)}/ in ${Date.now() - started} ms.`);
  }
} catch {
  // esbuild has printed the errors. A stale bundle would hide them.
  if (!values.watch) for (const { options } of chosen) removeOutputs(options);
  process.exitCode = 1;
} finally {
  if (!values.watch) await Promise.all(contexts.map((each) => each.dispose()));
}

function removeOutputs({ outdir, entryPoints }) {
  const names = Array.isArray(entryPoints)
    ? entryPoints.map((file) => basename(file, '.ts'))
    : Object.keys(entryPoints);
  for (const name of names) rmSync(join(outdir, `${name}.js`), { force: true });
}
