import { createHash } from 'node:crypto';
import { parseConfig, parseTokenIds } from '../architectures/config';
import { exists, fileInside, readTextFile } from './files';
import { Fields, parseJson, readJson } from './json';
import { assertLayout, CanonicalSource } from '../architectures/layout';
import { LoraSource } from '../adapters/lora';
import { applyRope } from '../rope/rope-factors';
import type { SafetensorsFile } from '../formats/safetensors';
import type { Checkpoint, ModelConfig, TensorSource } from './types';
import { openWeights } from '../formats/weights';

export { ChatTemplate, type ChatMessage, type ChatOptions } from '../tokenizer/chat-template';
export { CheckpointError, type CheckpointErrorCode } from './errors';
export { applyRope, standardFactors, storedRopeNames, storeFactors, type StoredFactors } from '../rope/rope-factors';
export { TextStream, Tokenizer } from '../tokenizer/tokenizer';
export type * from './types';

const MAX_CONFIG_BYTES = 1 << 20;
/** Content sampled of each weight file for the fingerprint: 16 places × 4 KiB. */
const SAMPLES = 16;
const SAMPLE_BYTES = 4096;

export interface OpenOptions {
  /** Folders of PEFT LoRA adapters, merged in this order. */
  adapters?: readonly string[];
  /**
   * Rotary scaling: `config` (default), `linear:S`, `ntk:S`, `yarn:S`, or a name in rope_factors.json beside the
   * checkpoint.
   */
  rope?: string;
}

/**
 * Opens a Hugging Face checkpoint folder: config, weights (headers only) and their agreement are checked; no weight is
 * read yet.
 *
 * @throws CheckpointError naming the file and the field
 */
export async function openCheckpoint(directory: string, options: OpenOptions = {}): Promise<Checkpoint> {
  const configPath = await fileInside(directory, 'config.json');
  const configText = await readTextFile(configPath, MAX_CONFIG_BYTES);
  const parsed = await withGenerationConfig(directory, parseConfig(parseJson(configText, configPath), configPath));
  const config = await applyRope(directory, parsed, options.rope ?? 'config');
  const weights = await openWeights(directory);
  let source: TensorSource = weights;
  let merges = '';
  try {
    const files = [...weights.files];
    for (const adapter of options.adapters ?? []) {
      const merged: LoraSource = await LoraSource.open(source, adapter);
      files.push(...merged.files);
      merges += merged.identity;
      source = merged;
    }
    const tensors = new CanonicalSource(source, config);
    assertLayout(tensors, config, directory);
    const fingerprint = await fingerprintOf(configText + merges, files);
    return { directory, config, tensors, fingerprint, close: () => tensors.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Chat checkpoints list the tokens that end a turn in `generation_config.json` only (Llama 3, Qwen2). */
async function withGenerationConfig(directory: string, config: ModelConfig): Promise<ModelConfig> {
  const name = 'generation_config.json';
  if (!(await exists(directory, name))) return config;
  const path = await fileInside(directory, name);
  const more = parseTokenIds(
    new Fields(await readJson(path, MAX_CONFIG_BYTES), path),
    'eos_token_id',
    config.vocabSize,
  );
  return { ...config, eosTokenIds: [...new Set([...config.eosTokenIds, ...more])] };
}

/**
 * The identity of a checkpoint without reading gigabytes: config, and of each weight file its size, its header (all
 * names, shapes and offsets) and content at evenly spaced places. Weights trained further differ everywhere, so samples
 * tell them apart.
 */
async function fingerprintOf(configurations: string, files: readonly SafetensorsFile[]): Promise<string> {
  const hash = createHash('sha256').update(configurations);
  for (const file of files) {
    hash.update(`\0${file.size}\0`).update(file.header);
    const start = 8 + file.header.length;
    const length = file.size - start;
    const sample = new Uint8Array(Math.min(SAMPLE_BYTES, length));
    for (let i = 0; i < SAMPLES && sample.length > 0; i++) {
      const offset = start + Math.floor(((length - sample.length) * i) / (SAMPLES - 1));
      await file.readBytes(offset, sample);
      hash.update(sample);
    }
  }
  return hash.digest('hex');
}
