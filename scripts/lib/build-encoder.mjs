/**
 * Compiles the pinned sentence encoder into dist/models. Where the model cannot be fetched, the build goes on without
 * it and says so; search then ranks without its vectors.
 */
import { build } from 'esbuild';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './install.mjs';
import { ensurePinnedModel, PINNED_MODELS } from './pinned-models.mjs';

const NAME = 'all-minilm-l6-v2';
/** Raised when the compiled form changes. */
const FORM = 2;

/**
 * @param {string} dist Folder of the bundles.
 * @returns {Promise<string | undefined>} Why there is no encoder, if there is none.
 */
export async function buildEncoder(dist) {
  const target = path.join(dist, 'models', NAME);
  const stamp = path.join(target, 'stamp');
  const wanted = `${FORM} ${PINNED_MODELS[NAME].sha256['model.safetensors']}\n`;
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === wanted) return undefined;
  try {
    const source = await ensurePinnedModel(NAME);
    const compiler = path.join(root, '.cache', 'build', 'encoder.mjs');
    await mkdir(path.dirname(compiler), { recursive: true });
    await build({
      entryPoints: [path.join(root, 'src', 'engine', 'encoder', 'compile-encoder.ts')],
      outfile: compiler,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      logLevel: 'warning',
    });
    const { compileEncoder } = await import(pathToFileURL(compiler).href);
    await rm(target, { recursive: true, force: true });
    await compileEncoder(source, target);
    await writeFile(path.join(target, 'NOTICE'), NOTICE);
    // TypeScript is under the same licence, and its package carries the text.
    await copyFile(path.join(root, 'node_modules', 'typescript', 'LICENSE.txt'), path.join(target, 'LICENSE'));
    await writeFile(stamp, wanted);
    return undefined;
  } catch (error) {
    return error.message;
  }
}

const NOTICE = `all-MiniLM-L6-v2, a sentence encoder by the sentence-transformers authors.
Licensed under the Apache License, Version 2.0; the text of the licence is in LICENSE.
Changed: the weights are quantized to 8 bits and compiled to an ONNX graph.
`;
