/**
 * Brings the base of the bundled reader into dist/models. Where it cannot be fetched, the build goes on without it and
 * says so; answers then consist of quotes. The reader's adapter is in models/ and is merged when the model is loaded:
 * the base at 4 bits and the adapter are smaller than the merged weights, and are rounded once.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { root } from './install.mjs';
import { ensurePinnedModel, PINNED_MODELS } from './pinned-models.mjs';

const NAME = 'smollm2-135m-instruct';

/**
 * @param {string} dist Folder of the bundles.
 * @returns {Promise<string | undefined>} Why there is no reader, if there is none.
 */
export async function buildReader(dist) {
  const target = path.join(dist, 'models', NAME);
  const stamp = path.join(target, 'stamp');
  const { files, sha256 } = PINNED_MODELS[NAME];
  const wanted = `${Object.values(sha256).join(' ')}\n`;
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === wanted) return undefined;
  try {
    const source = await ensurePinnedModel(NAME);
    await rm(target, { recursive: true, force: true });
    await mkdir(target, { recursive: true });
    for (const file of files) await copyFile(path.join(source, file), path.join(target, file));
    await writeFile(path.join(target, 'NOTICE'), NOTICE);
    // TypeScript is under the same licence, and its package carries the text.
    await copyFile(path.join(root, 'node_modules', 'typescript', 'LICENSE.txt'), path.join(target, 'LICENSE'));
    await writeFile(stamp, wanted);
    return undefined;
  } catch (error) {
    return error.message;
  }
}

const NOTICE = `SmolLM2-135M-Instruct, a language model by Hugging Face (HuggingFaceTB).
Licensed under the Apache License, Version 2.0; the text of the licence is in LICENSE.
Changed: the weights are quantized (Q4_1). The product merges its own adapter into them when it loads the model.
`;
