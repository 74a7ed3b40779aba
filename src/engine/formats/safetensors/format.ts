import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseConfig, parseTokenIds } from '../../architectures/config';
import type { ModelConfig } from '../../architectures/model-config';
import { exists, fileInside, readTextFile } from '../../checkpoint/files';
import { Fields, parseJson, readJson } from '../../checkpoint/json';
import { ROPE_FILE } from '../../rope/rope-factors';
import { ChatTemplate } from '../../tokenizer/chat-template';
import { Tokenizer } from '../../tokenizer/tokenizer';
import type { CheckpointFormat } from '../checkpoint-format';
import { openWeights } from './source';

const CONFIG = 'config.json';
const GENERATION_CONFIG = 'generation_config.json';
const MAX_CONFIG_BYTES = 1 << 20;

/** A Hugging Face checkpoint folder: config.json, *.safetensors, tokenizer.json and their companions. */
export const safetensorsFormat: CheckpointFormat = {
  name: 'safetensors',

  async detect(path) {
    if (!(await exists(path, CONFIG))) return false;
    return (await readdir(path)).some(
      (name) => name.endsWith('.safetensors') || name.endsWith('.safetensors.index.json'),
    );
  },

  async open(path) {
    const configPath = await fileInside(path, CONFIG);
    const configText = await readTextFile(configPath, MAX_CONFIG_BYTES);
    const config = await withGenerationConfig(path, parseConfig(parseJson(configText, configPath), configPath));
    const tensors = await openWeights(path);
    return {
      path,
      directory: path,
      ropeFile: join(path, ROPE_FILE),
      config,
      configText,
      tensors,
      files: tensors.files,
      openTokenizer: () => Tokenizer.open(path, config.vocabSize),
      openChatTemplate: () => ChatTemplate.open(path),
    };
  },
};

/** Chat checkpoints list the tokens that end a turn in `generation_config.json` only (Llama 3, Qwen2). */
async function withGenerationConfig(directory: string, config: ModelConfig): Promise<ModelConfig> {
  if (!(await exists(directory, GENERATION_CONFIG))) return config;
  const path = await fileInside(directory, GENERATION_CONFIG);
  const fields = new Fields(await readJson(path, MAX_CONFIG_BYTES), path);
  const more = parseTokenIds(fields, 'eos_token_id', config.vocabSize);
  return { ...config, eosTokenIds: [...new Set([...config.eosTokenIds, ...more])] };
}
