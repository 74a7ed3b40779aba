import { CheckpointError } from '../checkpoint/errors';
import { fileInside } from '../checkpoint/files';
import { Fields, readJson } from '../checkpoint/json';

/** Shape of a BERT encoder, as its `config.json` gives it. */
export interface EncoderConfig {
  layers: number;
  hiddenSize: number;
  heads: number;
  /** Width of the feed-forward part. */
  innerSize: number;
  vocabSize: number;
  /** Longest text in tokens. */
  maxPositions: number;
  normEpsilon: number;
}

const MAX_CONFIG_BYTES = 1 << 20;
const LARGEST = 1 << 20;

/** Reads `config.json` of a BERT checkpoint. @throws CheckpointError */
export async function readEncoderConfig(directory: string): Promise<EncoderConfig> {
  const path = await fileInside(directory, 'config.json');
  const fields = new Fields(await readJson(path, MAX_CONFIG_BYTES), path);
  const family = fields.raw('model_type');
  if (family !== 'bert') throw fields.error('unsupported', 'model_type', 'must be "bert" for a sentence encoder');
  const activation = fields.raw('hidden_act');
  if (activation !== 'gelu') throw fields.error('unsupported', 'hidden_act', 'must be "gelu"');
  const integer = (name: string): number => fields.integer(name, 1, LARGEST);
  const config: EncoderConfig = {
    layers: integer('num_hidden_layers'),
    hiddenSize: integer('hidden_size'),
    heads: integer('num_attention_heads'),
    innerSize: integer('intermediate_size'),
    vocabSize: integer('vocab_size'),
    maxPositions: integer('max_position_embeddings'),
    normEpsilon: fields.number('layer_norm_eps', 1e-15, 1),
  };
  if (config.hiddenSize % config.heads !== 0) {
    throw new CheckpointError('mismatch', path, 'num_attention_heads', 'must divide hidden_size');
  }
  return config;
}
