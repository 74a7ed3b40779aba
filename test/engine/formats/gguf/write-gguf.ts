import { openCheckpoint, type Checkpoint, type ModelConfig } from '../../../../src/engine';
import { layerOf } from '../../../../src/engine/architectures/layer';
import { encodeHalf } from '../../../../src/engine/kv-cache/float16';
import { openWeights } from '../../../../src/engine/formats/safetensors';
import { fixture } from '../../../fixtures';

/** Writes GGUF files of tiny models in the layout of llama.cpp's converter. */

export type Scalar = { type: 'u32' | 'u64' | 'f32' | 'i32'; value: number } | string | boolean;
export type Value =
  Scalar | { type: 'array'; of: 'u32' | 'f32' | 'i32' | 'string'; values: readonly (number | string)[] };

export interface GgufTensorData {
  name: string;
  /** Row-major. */
  shape: readonly number[];
  /** Number of the storage type in ggml. */
  type: number;
  bytes: Uint8Array;
}

const TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9, u64: 10 } as const;

export const u32 = (value: number): Scalar => ({ type: 'u32', value });
export const f32 = (value: number): Scalar => ({ type: 'f32', value });

class Bytes {
  private parts: number[] = [];

  get length(): number {
    return this.parts.length;
  }

  number(value: number, size: number, write: (view: DataView, value: number) => void): void {
    const view = new DataView(new ArrayBuffer(size));
    write(view, value);
    this.raw(new Uint8Array(view.buffer));
  }

  u32(value: number): void {
    this.number(value, 4, (view) => view.setUint32(0, value, true));
  }

  u64(value: number): void {
    this.number(value, 8, (view) => view.setBigUint64(0, BigInt(value), true));
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u64(bytes.length);
    this.raw(bytes);
  }

  scalar(type: 'u32' | 'u64' | 'f32' | 'i32' | 'string', value: number | string): void {
    if (type === 'string') this.string(String(value));
    else if (type === 'u64') this.u64(Number(value));
    else if (type === 'f32') this.number(Number(value), 4, (view) => view.setFloat32(0, Number(value), true));
    else if (type === 'i32') this.number(Number(value), 4, (view) => view.setInt32(0, Number(value), true));
    else this.u32(Number(value));
  }

  value(value: Value): void {
    if (typeof value === 'string') {
      this.u32(TYPE.string);
      this.string(value);
    } else if (typeof value === 'boolean') {
      this.u32(TYPE.bool);
      this.raw(Uint8Array.of(value ? 1 : 0));
    } else if (value.type === 'array') {
      this.u32(TYPE.array);
      this.u32(TYPE[value.of]);
      this.u64(value.values.length);
      for (const one of value.values) this.scalar(value.of, one);
    } else {
      this.u32(TYPE[value.type]);
      this.scalar(value.type, value.value);
    }
  }

  raw(bytes: Uint8Array): void {
    for (const byte of bytes) this.parts.push(byte);
  }

  pad(alignment: number): void {
    while (this.parts.length % alignment !== 0) this.parts.push(0);
  }

  done(): Uint8Array {
    return Uint8Array.from(this.parts);
  }
}

export function gguf(
  metadata: Readonly<Record<string, Value>>,
  tensors: readonly GgufTensorData[],
  alignment = 32,
): Uint8Array {
  const out = new Bytes();
  out.raw(new TextEncoder().encode('GGUF'));
  out.u32(3);
  out.u64(tensors.length);
  out.u64(Object.keys(metadata).length);
  for (const [key, value] of Object.entries(metadata)) {
    out.string(key);
    out.value(value);
  }
  let offset = 0;
  for (const { name, shape, type, bytes } of tensors) {
    out.string(name);
    out.u32(shape.length);
    for (const size of [...shape].reverse()) out.u64(size);
    out.u32(type);
    out.u64(offset);
    offset = Math.ceil((offset + bytes.length) / alignment) * alignment;
  }
  out.pad(alignment);
  for (const { bytes } of tensors) {
    out.raw(bytes);
    out.pad(alignment);
  }
  return out.done();
}

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
  const after = layerOf(config, 0).norm === 'after';
  const norms: Record<string, string> = after
    ? { post_attention_layernorm: 'post_attention_norm', post_feedforward_layernorm: 'post_ffw_norm' }
    : {};
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
