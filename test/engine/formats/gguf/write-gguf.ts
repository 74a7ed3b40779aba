import { openCheckpoint, type Checkpoint, type ModelConfig } from '../../../../src/engine';
import { layerOf } from '../../../../src/engine/architectures/layer';
import { encodeHalf } from '../../../../src/engine/kv-cache/float16';
import { openWeights } from '../../../../src/engine/formats/safetensors';
import { fixture } from '../../../fixtures';
import { f32, u32, type GgufTensorData, type Value } from './gguf-bytes';

/** Writes GGUF files of tiny models in the layout of llama.cpp's converter. */

export * from './gguf-bytes';

const LAYER_NAMES: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  post_attention_layernorm: 'ffn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.qkv_proj': 'attn_qkv',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.gate_up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

function ggufName(name: string, config: ModelConfig): string {
  const outer: Record<string, string> = {
    'model.embed_tokens.weight': 'token_embd.weight',
    'model.norm.weight': 'output_norm.weight',
    'lm_head.weight': 'output.weight',
  };
  const [, layer, part, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  if (layer === undefined) return outer[name] ?? name;
  const norms: Record<string, string> =
    layerOf(config, 0).norm === 'before'
      ? {}
      : {
          post_attention_layernorm: 'post_attention_norm',
          pre_feedforward_layernorm: 'ffn_norm',
          post_feedforward_layernorm: 'post_ffw_norm',
        };
  return `blk.${layer}.${norms[part as string] ?? LAYER_NAMES[part as string]}.${kind}`;
}

/** Reorders rows from rotary halves to adjacent pairs, per head, like the converter for Llama. */
function toPairs(values: Float32Array, headDim: number, width: number): Float32Array {
  const out = new Float32Array(values.length);
  const pairs = headDim / 2;
  for (let row = 0; row < values.length / width; row++) {
    const within = row % headDim;
    const to = row - within + 2 * (within % pairs) + Math.floor(within / pairs);
    out.set(values.subarray(row * width, (row + 1) * width), to * width);
  }
  return out;
}

export interface GgufOptions {
  /** Store matrices as f16. Default: f32. */
  half?: boolean;
  metadata?: Readonly<Record<string, Value>>;
}

/** Metadata and tensors of a fixture checkpoint. Fused tensors stay fused. */
export async function fixtureGguf(
  family: string,
  architecture: string,
  options: GgufOptions = {},
): Promise<{ metadata: Record<string, Value>; tensors: GgufTensorData[]; checkpoint: Checkpoint }> {
  const checkpoint = await openCheckpoint(fixture(`checkpoints/${family}`));
  const { config } = checkpoint;
  // Weights that carry constants of the model are written without them, as a converter finds them.
  const tensors = config.weightScales ? await openWeights(checkpoint.path) : checkpoint.tensors;
  const paired = ['llama', 'granite', 'smollm3'].includes(architecture);
  const data: GgufTensorData[] = [];
  for (const name of tensors.names()) {
    const { shape } = tensors.info(name);
    let values = await tensors.readFloat32(name);
    const fused = /\.(q|k|v|gate|up)_proj\./.test(name) && architecture === 'phi3';
    if (fused) continue;
    if (paired && /\.self_attn\.[qk]_proj\./.test(name)) values = toPairs(values, config.headDim, shape[1] ?? 1);
    const half = options.half === true && shape.length === 2;
    data.push({
      name: ggufName(name, config),
      shape,
      type: half ? 1 : 0,
      bytes: half ? new Uint8Array(encodeHalf(values).buffer) : new Uint8Array(values.buffer),
    });
  }
  if (architecture === 'phi3') {
    for (let layer = 0; layer < config.layers; layer++) {
      for (const part of ['self_attn.qkv_proj', 'mlp.gate_up_proj']) {
        const name = `model.layers.${layer}.${part}.weight`;
        const values = await tensors.readFloat32(name);
        data.push({
          name: ggufName(name, config),
          shape: tensors.info(name).shape,
          type: 0,
          bytes: new Uint8Array(values.buffer),
        });
      }
    }
  }
  if (tensors !== checkpoint.tensors) await tensors.close();
  const own: Record<string, Value> = {
    embedding_length: u32(config.hiddenSize),
    feed_forward_length: u32(config.intermediateSize),
    block_count: u32(config.layers),
    'attention.head_count': u32(config.queryHeads),
    'attention.head_count_kv': u32(config.kvHeads),
    'attention.key_length': u32(config.headDim),
    'attention.value_length': u32(config.headDim),
    'attention.layer_norm_rms_epsilon': f32(config.normEps),
    context_length: u32(config.maxPositions),
    'rope.freq_base': f32(config.rope.theta),
    'rope.dimension_count': u32(config.rope.rotaryDim),
  };
  const metadata: Record<string, Value> = {
    'general.architecture': architecture,
    ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`${architecture}.${key}`, value])),
    ...options.metadata,
  };
  return { metadata, tensors: data, checkpoint };
}
