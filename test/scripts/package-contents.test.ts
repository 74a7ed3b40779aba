import { describe, expect, it } from 'vitest';
import { checkContents } from '../../scripts/lib/package-contents.mjs';

const GOOD = [
  ...['package.json', 'package.nls.json', 'README.md', 'CHANGELOG.md', 'LICENSE', 'THIRD-PARTY-NOTICES.txt'],
  ...['media/icon.png', 'media/walkthrough/ask.svg', 'models/anchorage-8m/model.safetensors'],
  ...['models/anchorage-reader-135m/adapter_model.safetensors', 'dist/models/smollm2-135m-instruct/a.Q4_1.gguf'],
  ...[
    'dist/extension.js',
    'dist/segment-thread.js',
    'dist/extraction-thread.js',
    'dist/mcp.js',
    'dist/webview/answer.js',
    'dist/codicons/codicon.ttf',
  ],
  ...['dist/tree-sitter/tree-sitter.wasm', 'dist/tree-sitter/tree-sitter-c-sharp.wasm'],
  'dist/node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime.so.1',
];

describe('checkContents', () => {
  it('accepts a package with code, pictures, models and notices', () => {
    expect(() => checkContents(GOOD)).not.toThrow();
  });

  it.each([
    'dist/cli.js',
    'media/screenshots/answer.png',
    'media/logo.svg',
    'dist/extension.js.map',
    'dist/node_modules/onnxruntime-node/dist/index.d.ts',
    'dist/node_modules/onnxruntime-common/dist/cjs/index.js.map',
    'dist/node_modules/left-pad/index.js',
    'models/recipe/stages/pretrain.py',
    'src/host/extension.ts',
    'extension.metafiles/worker.json',
  ])('refuses %s, and names it', (file) => {
    expect(() => checkContents([...GOOD, file])).toThrow(`holds what nothing in it uses: ${file}`);
  });

  it('names the missing files', () => {
    const without = GOOD.filter((file) => file !== 'THIRD-PARTY-NOTICES.txt');
    expect(() => checkContents(without)).toThrow('lacks THIRD-PARTY-NOTICES.txt');
  });
});
