import { f32, gguf, u32, type GgufTensorData, type Value } from './gguf-bytes';

/**
 * A small Gemma 3 file of random weights as llama.cpp's converter lays it out: 13 layers, of which every sixth has no
 * window; a vocabulary of SentencePiece. llama.cpp reads it too. Everything follows from fixed seeds.
 */

const LAYERS = 13;
const SIZES = { hidden: 64, inner: 96, width: 32, heads: 4, kvHeads: 2, window: 5 };
const KIND = { normal: 1, unknown: 2, control: 3, userDefined: 4, byte: 6 };
/** First token that is a piece of text, after marks and bytes. */
const FIRST_PIECE = 267;

/** Numbers of −1 to 1. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;
}

function pickFrom<T>(list: readonly T[], random: () => number): T {
  return list[Math.floor(((random() + 1) / 2) * list.length)] as T;
}

const TOKENS = vocabulary(numbers(7));

function vocabulary(random: () => number): { text: string; kind: number; score: number }[] {
  const marks = ['<pad>', '<eos>', '<bos>', '<unk>', '<start_of_turn>', '<end_of_turn>'];
  const letters = ['▁', ...'abcdefgh', 'é', '漢', '😀'];
  const tokens = [
    ...marks.map((text) => ({ text, kind: text === '<unk>' ? KIND.unknown : KIND.control, score: 0 })),
    ...['\n', '\n\n', '  ', '   ', '    '].map((text) => ({ text, kind: KIND.userDefined, score: 0 })),
    ...Array.from({ length: 256 }, (_, byte) => ({
      text: `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
      kind: KIND.byte,
      score: 0,
    })),
    ...letters.map((text, i) => ({ text, kind: KIND.normal, score: -10_000 - i })),
  ];
  const pieces = new Set(letters);
  for (let rank = 0; pieces.size < 400;) {
    const all = [...pieces];
    const text = pickFrom(all, random) + pickFrom(all, random);
    const ways = Array.from({ length: text.length - 1 }, (_, i) => i + 1).filter(
      (cut) => pieces.has(text.slice(0, cut)) && pieces.has(text.slice(cut)),
    );
    if (text.length > 8 || pieces.has(text) || ways.length !== 1 || text.includes('▁▁')) continue;
    pieces.add(text);
    tokens.push({ text, kind: KIND.normal, score: -((rank++ * 389) % 997) });
  }
  return tokens;
}

export const tinyGemma3 = {
  vocabSize: TOKENS.length,

  /** The file. */
  bytes(): Uint8Array {
    const random = numbers(11);
    const { hidden, inner, width, heads, kvHeads, window } = SIZES;
    const data: GgufTensorData[] = [];
    const add = (name: string, shape: number[], gain: number, plus = 0) => {
      const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => plus + gain * random());
      data.push({ name: `${name}.weight`, shape, type: 0, bytes: new Uint8Array(values.buffer) });
    };
    add('token_embd', [TOKENS.length, hidden], 0.6);
    add('output_norm', [hidden], 0.5, 1);
    for (let layer = 0; layer < LAYERS; layer++) {
      const own = (name: string, shape: number[], gain: number, plus?: number) =>
        add(`blk.${layer}.${name}`, shape, gain, plus);
      for (const name of ['attn_norm', 'post_attention_norm', 'ffn_norm', 'post_ffw_norm']) own(name, [hidden], 0.5, 1);
      for (const name of ['attn_q_norm', 'attn_k_norm']) own(name, [width], 0.5, 1);
      for (const [name, rows, columns] of [
        ['attn_q', heads * width, hidden],
        ['attn_k', kvHeads * width, hidden],
        ['attn_v', kvHeads * width, hidden],
        ['attn_output', hidden, heads * width],
        ['ffn_gate', inner, hidden],
        ['ffn_up', inner, hidden],
        ['ffn_down', hidden, inner],
      ] as const)
        own(name, [rows, columns], 2 / Math.sqrt(columns));
    }
    const config: Record<string, Value> = {
      embedding_length: u32(hidden),
      feed_forward_length: u32(inner),
      block_count: u32(LAYERS),
      'attention.head_count': u32(heads),
      'attention.head_count_kv': u32(kvHeads),
      'attention.key_length': u32(width),
      'attention.value_length': u32(width),
      'attention.layer_norm_rms_epsilon': f32(1e-6),
      'attention.sliding_window': u32(window),
      context_length: u32(2048),
      'rope.freq_base': f32(1e6),
      'rope.scaling.type': 'linear',
      'rope.scaling.factor': f32(8),
    };
    const tokenizer: Record<string, Value> = {
      model: 'llama',
      pre: 'default',
      tokens: { type: 'array', of: 'string', values: TOKENS.map(({ text }) => text) },
      scores: { type: 'array', of: 'f32', values: TOKENS.map(({ score }) => score) },
      token_type: { type: 'array', of: 'i32', values: TOKENS.map(({ kind }) => kind) },
      add_space_prefix: false,
      add_bos_token: true,
      padding_token_id: u32(0),
      eos_token_id: u32(1),
      bos_token_id: u32(2),
      unknown_token_id: u32(3),
    };
    const named = (prefix: string, values: Record<string, Value>) =>
      Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, value]));
    const general: Record<string, Value> = { 'general.architecture': 'gemma3' };
    return gguf({ ...general, ...named('gemma3', config), ...named('tokenizer.ggml', tokenizer) }, data);
  },

  /** A text as tokens: the begin token and random pieces. */
  tokens(count: number): number[] {
    const random = numbers(13);
    const pieces = TOKENS.map((_, id) => id).slice(FIRST_PIECE);
    return [2, ...Array.from({ length: count - 1 }, () => pickFrom(pieces, random))];
  },

  /** Texts with all that a tokenizer tells apart. */
  texts(count: number): string[] {
    const random = numbers(17);
    const marks = ['\n', '\n\n', '  ', '    ', '<end_of_turn>', '<start_of_turn>'];
    const parts = [...'abcdefgh', 'é', '漢', '😀', ' ', ' ', ' ', 'ab', 'ü', '\t', 'x', '.', ...marks];
    return Array.from({ length: count }, () =>
      Array.from({ length: 1 + Math.floor((random() + 1) * 15) }, () => pickFrom(parts, random)).join(''),
    );
  },
};
