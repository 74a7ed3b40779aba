import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeHalf } from '../../src/engine/kv-cache/float16';

export const SHAPES = {
  tiny: {
    vocab_size: 512,
    hidden_size: 64,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    head_dim: 32,
    intermediate_size: 128,
    max_position_embeddings: 512,
  },
  '8m': {
    vocab_size: 16_384,
    hidden_size: 256,
    num_hidden_layers: 6,
    num_attention_heads: 4,
    num_key_value_heads: 1,
    head_dim: 64,
    intermediate_size: 704,
    max_position_embeddings: 4_096,
  },
} as const;

const SPECIALS = [
  '<|bos|>',
  '<|eos|>',
  '<|pad|>',
  '<|anchor|>',
  '<|mem|>',
  '<|repeat|>',
  '<|point|>',
  '<|none|>',
  '<|file|>',
  '<|query|>',
  '<|system|>',
  '<|user|>',
  '<|assistant|>',
  '<|end|>',
  '<|sink|>',
];
const VECTOR_WIDTH = 32;

/**
 * A checkpoint of random weights in the form that models/recipe/export writes, memory slots, a second set of them,
 * and token vectors included, with a tokenizer of one token a byte. It proves that everything is really
 * computed and arrives; it knows nothing.
 */
export function writeMemoryCheckpoint(directory: string, shape: keyof typeof SHAPES = 'tiny', seed = 1): void {
  const config = SHAPES[shape];
  const {
    vocab_size: vocab,
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: dim,
    intermediate_size: inner,
  } = config;
  const random = generator(seed);
  const matrix = (rows: number, columns: number, scale = 0.08): Tensor => ({
    shape: [rows, columns],
    values: Float32Array.from({ length: rows * columns }, () => random() * scale),
  });
  const ones = (length: number): Tensor => ({ shape: [length], values: new Float32Array(length).fill(1) });
  const model: Record<string, Tensor> = {
    'model.embed_tokens.weight': matrix(vocab, hidden, 0.3),
    'model.norm.weight': ones(hidden),
  };
  const memory: Record<string, Tensor> = { slot: { shape: [hidden], values: matrix(1, hidden, 0.3).values } };
  const slots = (): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(memory).map(([name, { shape: size }]) => [
        name,
        {
          shape: size,
          values: matrix(
            1,
            size.reduce((a, b) => a * b),
            name === 'slot' ? 0.3 : 0.08,
          ).values,
        },
      ]),
    );
  for (let i = 0; i < layers; i++) {
    const layer = `model.layers.${i}`;
    Object.assign(model, {
      [`${layer}.input_layernorm.weight`]: ones(hidden),
      [`${layer}.post_attention_layernorm.weight`]: ones(hidden),
      [`${layer}.self_attn.q_proj.weight`]: matrix(heads * dim, hidden),
      [`${layer}.self_attn.k_proj.weight`]: matrix(kvHeads * dim, hidden),
      [`${layer}.self_attn.v_proj.weight`]: matrix(kvHeads * dim, hidden),
      [`${layer}.self_attn.o_proj.weight`]: matrix(hidden, heads * dim),
      [`${layer}.mlp.gate_proj.weight`]: matrix(inner, hidden),
      [`${layer}.mlp.up_proj.weight`]: matrix(inner, hidden),
      [`${layer}.mlp.down_proj.weight`]: matrix(hidden, inner),
    });
    Object.assign(memory, {
      [`layers.${i}.slot.q_proj.weight`]: matrix(heads * dim, hidden),
      [`layers.${i}.slot.v_proj.weight`]: matrix(kvHeads * dim, hidden),
      [`layers.${i}.head.k_proj.weight`]: matrix(kvHeads * dim, hidden),
      [`layers.${i}.head.v_proj.weight`]: matrix(kvHeads * dim, hidden),
    });
  }
  mkdirSync(directory, { recursive: true });
  const id = (name: string): number => SPECIALS.indexOf(`<|${name}|>`);
  write(directory, 'config.json', {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_act: 'silu',
    ...config,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    tie_word_embeddings: true,
    bos_token_id: id('bos'),
    eos_token_id: [id('eos'), id('end')],
    anchorage: {
      sink_token_ids: [id('bos'), id('sink'), id('sink'), id('sink')],
      memory: { file: 'memory.safetensors', ratios: [256, 32, 8], segment_rows: 256 },
      dense_memory: { file: 'dense_memory.safetensors', ratios: [8], segment_rows: 256 },
      token_vectors: { file: 'token_vectors.safetensors', width: VECTOR_WIDTH },
    },
  });
  writeFileSync(join(directory, 'model.safetensors'), safetensors(model));
  writeFileSync(join(directory, 'memory.safetensors'), safetensors(memory));
  writeFileSync(
    join(directory, 'token_vectors.safetensors'),
    safetensors({ token_vectors: matrix(vocab, VECTOR_WIDTH) }),
  );
  writeFileSync(join(directory, 'dense_memory.safetensors'), safetensors(slots()));
  const pieces = [...SPECIALS, ...byteCharacters()];
  write(directory, 'tokenizer.json', {
    version: '1.0',
    added_tokens: SPECIALS.map((content, at) => ({
      id: at,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: {
      type: 'BPE',
      vocab: Object.fromEntries(pieces.map((piece, at) => [piece, at])),
      merges: [],
      unk_token: null,
      byte_fallback: false,
    },
  });
  const template =
    "<|bos|><|sink|><|sink|><|sink|>{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
  write(directory, 'tokenizer_config.json', { bos_token: '<|bos|>', eos_token: '<|eos|>', chat_template: template });
}

/** SHA256SUMS as the export writes it. */
export function writeSums(directory: string): void {
  const names = readdirSync(directory)
    .filter((name) => /\.(json|safetensors)$/.test(name))
    .sort();
  writeFileSync(
    join(directory, 'SHA256SUMS'),
    names
      .map(
        (name) =>
          `${createHash('sha256')
            .update(readFileSync(join(directory, name)))
            .digest('hex')}  ${name}\n`,
      )
      .join(''),
  );
}

interface Tensor {
  shape: number[];
  values: Float32Array;
}

export function safetensors(tensors: Record<string, Tensor>): Buffer {
  const header: Record<string, unknown> = {};
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    const half = encodeHalf(values);
    header[name] = { dtype: 'F16', shape, data_offsets: [at, at + half.byteLength] };
    parts.push(new Uint8Array(half.buffer));
    at += half.byteLength;
  }
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([size, text, ...parts]);
}

function write(directory: string, name: string, value: unknown): void {
  writeFileSync(join(directory, name), JSON.stringify(value));
}

/** Numbers in [−1, 1) from a seed. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** GPT-2's printable stand-ins for the 256 bytes. */
function byteCharacters(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}
