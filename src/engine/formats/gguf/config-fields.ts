import type { GgufFamily, ModelFamily } from '../../architectures/family';
import { CheckpointError } from '../../checkpoint/errors';
import { Fields } from '../../checkpoint/json';
import type { GgufFile } from './file';
import type { MetadataValue } from './metadata-reader';

/** Fields of config.json, to the metadata keys that hold them (without the architecture in front). */
const KEYS: Readonly<Record<string, string>> = {
  hidden_size: 'embedding_length',
  intermediate_size: 'feed_forward_length',
  num_hidden_layers: 'block_count',
  num_attention_heads: 'attention.head_count',
  num_key_value_heads: 'attention.head_count_kv',
  head_dim: 'attention.key_length',
  max_position_embeddings: 'context_length',
  rms_norm_eps: 'attention.layer_norm_rms_epsilon',
  sliding_window: 'attention.sliding_window',
  rope_theta: 'rope.freq_base',
};

const SCALING_KEYS: Readonly<Record<string, string>> = {
  rope_type: 'rope.scaling.type',
  factor: 'rope.scaling.factor',
  original_max_position_embeddings: 'rope.scaling.original_context_length',
  attention_factor: 'rope.scaling.attn_factor',
  beta_fast: 'rope.scaling.yarn_beta_fast',
  beta_slow: 'rope.scaling.yarn_beta_slow',
};

/** Tokens that end a turn or a text, whatever `eos_token_id` is. */
const END_TOKENS = [
  '<|im_end|>',
  '<|eot_id|>',
  '<|eom_id|>',
  '<|end|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '<|end_of_text|>',
];

/** Factors of the rotary frequencies that some files hold as tensors. */
export interface RopeTables {
  /** `rope_freqs`: divisors at every length (Llama 3.1). */
  all?: Float32Array;
  /** `rope_factors_short` and `rope_factors_long` (Phi-3, LongRoPE). */
  short?: Float32Array;
  long?: Float32Array;
}

/**
 * The metadata of a file as the fields of a config.json, so that one parser reads both. Errors name the metadata key.
 *
 * @throws CheckpointError for a model of experts, or without an embedding matrix
 */
export function configFields(
  file: GgufFile,
  family: ModelFamily,
  shapeOf: (tensor: string) => readonly number[] | undefined,
  tables: RopeTables,
): Fields {
  const gguf = family.gguf as GgufFamily;
  const { architecture } = gguf;
  const { metadata, path } = file;
  const own = (key: string): MetadataValue | undefined => metadata.get(`${architecture}.${key}`);
  if (typeof own('expert_count') === 'number' && (own('expert_count') as number) > 0)
    throw new CheckpointError(
      'unsupported',
      path,
      `${architecture}.expert_count`,
      'is a mixture of experts, which is not built',
    );
  const has = (tensor: string) => shapeOf(tensor) !== undefined;
  // In a model of several files, any of them may hold it.
  const embedding = shapeOf('model.embed_tokens.weight');
  if (!embedding) throw new CheckpointError('missing', path, 'token_embd.weight', 'the file has no embedding matrix');
  const keys: Record<string, string> = { ...KEYS, ...gguf.fields };
  const config: Record<string, unknown> = {
    model_type: family.modelType,
    vocab_size: embedding[0],
    tie_word_embeddings: !has('lm_head.weight'),
    ...tokenIds(metadata),
  };
  for (const [field, key] of Object.entries(keys)) {
    const value = own(key);
    if (value === undefined) continue;
    if (field === 'sliding_window_pattern' && typeof value === 'object')
      config['layer_types'] = Array.from(value as ArrayLike<unknown>, layerType);
    else config[field] = oneForAll(value, path, `${architecture}.${key}`);
  }
  config['num_key_value_heads'] ??= config['num_attention_heads'];
  const valueLength = own('attention.value_length');
  if (valueLength !== undefined && valueLength !== config['head_dim'])
    throw new CheckpointError(
      'unsupported',
      path,
      `${architecture}.attention.value_length`,
      'differs from that of the keys',
    );
  if (family.attentionBias === 'configured') config['attention_bias'] = has('model.layers.0.self_attn.q_proj.bias');
  if (family.feedForwardBias === 'configured') config['mlp_bias'] = has('model.layers.0.mlp.down_proj.bias');
  addRope(config, own, tables);
  Object.assign(config, { ...gguf.implied?.(config), ...config });
  const named = {
    ...keys,
    ...SCALING_KEYS,
    vocab_size: 'token_embd.weight',
    partial_rotary_factor: 'rope.dimension_count',
  };
  return new Fields(config, path, '', (name) => {
    const field = name.split('.').at(-1) as string;
    if (field.endsWith('_token_id')) return `tokenizer.ggml.${field}`;
    const key = (named as Record<string, string>)[field];
    return key === undefined || key.includes('.weight') ? (key ?? name) : `${architecture}.${key}`;
  });
}

/** A list of layers says of each whether it has the sliding window. */
const layerType = (isSliding: unknown): string => (isSliding ? 'sliding_attention' : 'full_attention');

/** A field that may be given layer by layer must be the same in all. */
function oneForAll(value: MetadataValue, path: string, key: string): unknown {
  if (typeof value !== 'object') return value;
  const [first] = Array.from(value as ArrayLike<unknown>);
  if (Array.from(value as ArrayLike<unknown>).some((other) => other !== first))
    throw new CheckpointError('unsupported', path, key, 'differs between layers, which is not built');
  return first;
}

function tokenIds(metadata: ReadonlyMap<string, MetadataValue>): Record<string, unknown> {
  const id = (name: string) => metadata.get(`tokenizer.ggml.${name}_token_id`);
  const tokens = metadata.get('tokenizer.ggml.tokens');
  const byName = Array.isArray(tokens) ? END_TOKENS.map((token) => (tokens as unknown[]).indexOf(token)) : [];
  const ends = [id('eos'), id('eot'), id('eom'), ...byName.filter((found) => found >= 0)];
  return {
    bos_token_id: id('bos'),
    eos_token_id: [...new Set(ends.filter((end) => end !== undefined))],
  };
}

function addRope(
  config: Record<string, unknown>,
  own: (key: string) => MetadataValue | undefined,
  tables: RopeTables,
): void {
  const headDim =
    (config['head_dim'] as number | undefined) ?? Number(config['hidden_size']) / Number(config['num_attention_heads']);
  const rotated = own('rope.dimension_count');
  if (typeof rotated === 'number' && rotated !== headDim) config['partial_rotary_factor'] = rotated / headDim;
  const scaling: Record<string, unknown> = {};
  for (const [field, key] of Object.entries(SCALING_KEYS)) {
    const value = own(key);
    if (value !== undefined) scaling[field] = value;
  }
  if (tables.all) {
    const all = [...tables.all];
    config['rope_scaling'] = {
      rope_type: 'longrope',
      factor: 1,
      attention_factor: 1,
      original_max_position_embeddings: config['max_position_embeddings'],
      short_factor: all,
      long_factor: all,
    };
  } else if (tables.long && tables.short) {
    const factors = { rope_type: 'longrope', short_factor: [...tables.short], long_factor: [...tables.long] };
    config['rope_scaling'] = { attention_factor: 1, ...scaling, ...factors };
  } else if (scaling['rope_type'] !== undefined && scaling['rope_type'] !== 'none') {
    config['rope_scaling'] = scaling;
  }
}
