import { createHash } from 'node:crypto';
import { LoraSource } from '../adapters/lora';
import { CanonicalSource } from '../architectures/canonical-source';
import { assertLayout } from '../architectures/layout';
import { detectFormat } from '../formats/registry';
import { safetensorsFormat } from '../formats/safetensors';
import type { TensorSource, WeightFile } from '../formats/tensor-source';
import { applyRope } from '../rope/rope-factors';
import type { Checkpoint } from './types';

/** Content sampled of each weight file for the fingerprint: 16 places × 4 KiB. */
const SAMPLES = 16;
const SAMPLE_BYTES = 4096;

export interface OpenOptions {
  /** Folders of PEFT LoRA adapters, merged in this order. */
  adapters?: readonly string[];
  /**
   * Rotary scaling: `config`, `linear:S`, `ntk:S`, `yarn:S`, or a name in rope_factors.json beside the checkpoint.
   * Default: the factors stored there last, else those of the config.
   */
  rope?: string;
}

/**
 * Opens a checkpoint: a Hugging Face folder, a .gguf file, or a folder with one. Config, weights (headers only) and
 * their agreement are checked; no weight is read yet.
 *
 * @throws CheckpointError naming the file and the field
 */
export async function openCheckpoint(path: string, options: OpenOptions = {}): Promise<Checkpoint> {
  // A path in no known format is opened as a Hugging Face folder, whose error says what is missing.
  const stored = await ((await detectFormat(path)) ?? safetensorsFormat).open(path);
  let source: TensorSource = stored.tensors;
  try {
    const config = await applyRope(stored.ropeFile, stored.config, options.rope);
    const files: WeightFile[] = [...stored.files];
    let merges = '';
    for (const adapter of options.adapters ?? []) {
      const merged: LoraSource = await LoraSource.open(source, adapter);
      files.push(...merged.files);
      merges += merged.identity;
      source = merged;
    }
    const tensors = new CanonicalSource(source, config);
    assertLayout(tensors, config, path);
    return {
      path,
      directory: stored.directory,
      ropeFile: stored.ropeFile,
      config,
      tensors,
      fingerprint: await fingerprintOf(stored.configText + merges, files),
      openTokenizer: stored.openTokenizer,
      openChatTemplate: stored.openChatTemplate,
      close: () => tensors.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Whether a checkpoint of a known format is at `path`. Its content is not checked. */
export async function isCheckpoint(path: string): Promise<boolean> {
  return (await detectFormat(path)) !== undefined;
}

/**
 * The identity of a checkpoint without reading gigabytes: the config, and for each weight file its size, its header and
 * content at evenly spaced places. Weights trained further differ everywhere, so samples tell them apart.
 */
async function fingerprintOf(configurations: string, files: readonly WeightFile[]): Promise<string> {
  const hash = createHash('sha256').update(configurations);
  for (const file of files) {
    hash.update(`\0${file.size}\0`).update(file.header);
    const length = file.size - file.dataStart;
    const sample = new Uint8Array(Math.min(SAMPLE_BYTES, length));
    for (let i = 0; i < SAMPLES && sample.length > 0; i++) {
      const offset = file.dataStart + Math.floor(((length - sample.length) * i) / (SAMPLES - 1));
      await file.readBytes(offset, sample);
      hash.update(sample);
    }
  }
  return hash.digest('hex');
}
