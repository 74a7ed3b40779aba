import { open, rename } from 'node:fs/promises';
import type { Checkpoint, ModelConfig } from '../../../src/engine';
import { encodeHalf } from '../../../src/engine/kv-cache/float16';
import { quantize8 } from '../../../src/engine/decoder/quantize';

/**
 * Writes the same weights for llama.cpp: GGUF (version 3) of a Llama model without biases, projections in q4_0 or q8_0.
 */

const TYPE = { f32: 0, q4_0: 2, q8_0: 8 } as const;
export type GgufFormat = 'q4_0' | 'q8_0';
const ALIGNMENT = 32;

interface Entry {
  name: string;
  source: string;
  shape: readonly number[];
  type: (typeof TYPE)[keyof typeof TYPE];
  bytes: number;
  offset: number;
}

export async function writeGguf(checkpoint: Checkpoint, format: GgufFormat, path: string): Promise<void> {
  const { config, tensors } = checkpoint;
  const entries = layout(config, format, (name) => tensors.info(name).shape);
  const file = await open(`${path}.partial`, 'w');
  const head = header(config, entries);
  let at = Math.ceil(head.length / ALIGNMENT) * ALIGNMENT;
  await file.write(head, 0, head.length, 0);
  const start = at;
  for (const entry of entries) {
    const values = await tensors.readFloat32(entry.source);
    const bytes =
      entry.type === TYPE.f32 ? new Uint8Array(values.buffer) : blocks(values, entry.shape[1] as number, format);
    if (bytes.length !== entry.bytes) throw new Error(`${entry.name}: ${bytes.length} bytes, not ${entry.bytes}`);
    await file.write(bytes, 0, bytes.length, start + entry.offset);
    at = start + entry.offset + bytes.length;
  }
  await file.truncate(Math.ceil(at / ALIGNMENT) * ALIGNMENT);
  await file.close();
  await rename(`${path}.partial`, path);
}

function layout(config: ModelConfig, format: GgufFormat, shapeOf: (name: string) => readonly number[]): Entry[] {
  const names: [string, string][] = [
    ['token_embd', 'model.embed_tokens'],
    ['output_norm', 'model.norm'],
  ];
  for (let i = 0; i < config.layers; i++) {
    const parts = {
      attn_norm: 'input_layernorm',
      attn_q: 'self_attn.q_proj',
      attn_k: 'self_attn.k_proj',
      attn_v: 'self_attn.v_proj',
      attn_output: 'self_attn.o_proj',
      ffn_norm: 'post_attention_layernorm',
      ffn_gate: 'mlp.gate_proj',
      ffn_up: 'mlp.up_proj',
      ffn_down: 'mlp.down_proj',
    };
    for (const [gguf, ours] of Object.entries(parts)) names.push([`blk.${i}.${gguf}`, `model.layers.${i}.${ours}`]);
  }
  let offset = 0;
  return names.map(([name, source]) => {
    const shape = shapeOf(`${source}.weight`);
    const count = shape.reduce((a, b) => a * b, 1);
    const type = shape.length === 1 ? TYPE.f32 : TYPE[format];
    const bytes = type === TYPE.f32 ? count * 4 : (count / 32) * (format === 'q4_0' ? 18 : 34);
    const entry = { name: `${name}.weight`, source: `${source}.weight`, shape, type, bytes, offset };
    offset += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
    return entry;
  });
}

/**
 * Quantizes rows to blocks of 32 values: an f16 scale, then the levels. In q4_0 the first sixteen levels are in the low
 * nibbles, and the others in the high nibbles.
 */
function blocks(values: Float32Array, columns: number, format: GgufFormat): Uint8Array {
  if (columns % 32 !== 0) throw new Error(`${columns} columns are no whole blocks`);
  const { levels, scales } = format === 'q4_0' ? around8(values) : quantize8(values, columns);
  const halves = encodeHalf(scales);
  const size = format === 'q4_0' ? 18 : 34;
  const out = new Uint8Array(scales.length * size);
  for (let block = 0; block < scales.length; block++) {
    const at = block * size;
    out[at] = (halves[block] as number) & 255;
    out[at + 1] = (halves[block] as number) >>> 8;
    for (let i = 0; i < (format === 'q4_0' ? 16 : 32); i++) {
      if (format === 'q8_0') out[at + 2 + i] = (levels[block * 32 + i] as number) - 128;
      else out[at + 2 + i] = (levels[block * 32 + i] as number) | ((levels[block * 32 + i + 16] as number) << 4);
    }
  }
  return out;
}

/** Levels 0…15 around 8, a byte each: the value of largest magnitude takes 0. */
function around8(values: Float32Array): { levels: Uint8Array; scales: Float32Array } {
  const levels = new Uint8Array(values.length);
  const scales = new Float32Array(values.length / 32);
  for (let block = 0; block < scales.length; block++) {
    const own = values.subarray(block * 32, block * 32 + 32);
    const scale = own.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0) / -8;
    scales[block] = scale;
    own.forEach((value, i) => {
      levels[block * 32 + i] = scale === 0 ? 8 : Math.min(15, Math.max(0, Math.round(value / scale) + 8));
    });
  }
  return { levels, scales };
}

function header(config: ModelConfig, entries: readonly Entry[]): Uint8Array {
  const tokens = Array.from({ length: config.vocabSize }, (_, i) => `t${i}`);
  const values: [string, number, unknown][] = [
    ['general.architecture', 8, 'llama'],
    ['general.name', 8, 'random'],
    ['llama.context_length', 4, 131072],
    ['llama.embedding_length', 4, config.hiddenSize],
    ['llama.block_count', 4, config.layers],
    ['llama.feed_forward_length', 4, config.intermediateSize],
    ['llama.attention.head_count', 4, config.queryHeads],
    ['llama.attention.head_count_kv', 4, config.kvHeads],
    ['llama.rope.dimension_count', 4, config.headDim],
    ['llama.rope.freq_base', 6, config.rope.theta],
    ['llama.attention.layer_norm_rms_epsilon', 6, config.normEps],
    ['llama.vocab_size', 4, config.vocabSize],
    ['tokenizer.ggml.model', 8, 'gpt2'],
    ['tokenizer.ggml.pre', 8, 'default'],
    ['tokenizer.ggml.tokens', 9, tokens],
    ['tokenizer.ggml.merges', 9, ['t 0']],
    ['tokenizer.ggml.bos_token_id', 4, 1],
    ['tokenizer.ggml.eos_token_id', 4, 2],
  ];
  const out: Buffer[] = [];
  const u32 = (value: number) => {
    const b = Buffer.alloc(4);
    b.writeUInt32LE(value);
    out.push(b);
  };
  const u64 = (value: number) => {
    const b = Buffer.alloc(8);
    b.writeBigUInt64LE(BigInt(value));
    out.push(b);
  };
  const text = (value: string) => {
    u64(Buffer.byteLength(value));
    out.push(Buffer.from(value));
  };
  out.push(Buffer.from('GGUF'));
  u32(3);
  u64(entries.length);
  u64(values.length);
  for (const [key, type, value] of values) {
    text(key);
    u32(type);
    if (type === 4) u32(value as number);
    else if (type === 6) {
      const b = Buffer.alloc(4);
      b.writeFloatLE(value as number);
      out.push(b);
    } else if (type === 8) text(value as string);
    else {
      u32(8);
      u64((value as string[]).length);
      (value as string[]).forEach(text);
    }
  }
  for (const entry of entries) {
    text(entry.name);
    u32(entry.shape.length);
    for (const size of [...entry.shape].reverse()) u64(size);
    u32(entry.type);
    u64(entry.offset);
  }
  return Buffer.concat(out);
}
