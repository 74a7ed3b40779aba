/** Damaged and hostile GGUF files. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint } from '../../src/engine';
import { f32, gguf, u32, type GgufTensorData, type Value } from '../engine/formats/gguf/write-gguf';
import { isCheckpointRefusal, mutateBytes } from './checkpoints';
import { type Attacked, pick, type Random, scratchFolder } from './drive';

const HIDDEN = 32;
const VOCABULARY = 12;

/** A valid model of one layer, with a tokenizer and a chat template. */
function soundModel(): { metadata: Record<string, Value>; tensors: GgufTensorData[] } {
  const array = (of: 'string' | 'i32', values: readonly (string | number)[]): Value => ({ type: 'array', of, values });
  const own: Record<string, Value> = {
    embedding_length: u32(HIDDEN),
    feed_forward_length: u32(HIDDEN),
    block_count: u32(1),
    'attention.head_count': u32(2),
    'attention.head_count_kv': u32(1),
    'attention.layer_norm_rms_epsilon': f32(1e-5),
    context_length: u32(64),
    'rope.freq_base': f32(10000),
    'rope.dimension_count': u32(16),
  };
  const letters = ['a', 'b', 'c', 'd', 'ab', 'cd', 'abcd', 'Ġ', 'Ġa', '<|end|>', '<|im_start|>', 'x'];
  const metadata: Record<string, Value> = {
    'general.architecture': 'llama',
    ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`llama.${key}`, value])),
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'smollm',
    'tokenizer.ggml.tokens': array('string', letters),
    'tokenizer.ggml.token_type': array('i32', [1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 1]),
    'tokenizer.ggml.merges': array('string', ['a b', 'c d', 'ab cd', 'Ġ a']),
    'tokenizer.ggml.eos_token_id': u32(9),
    'tokenizer.chat_template': "{% for m in messages %}{{ m['content'] }}<|end|>{% endfor %}",
  };
  const floats = (count: number) => new Uint8Array(Float32Array.from({ length: count }, (_, i) => (i % 7) - 3).buffer);
  const plain = (name: string, shape: number[]): GgufTensorData => ({
    name,
    shape,
    type: 0,
    bytes: floats(shape.reduce((a, b) => a * b, 1)),
  });
  /** Q8_0: scale 1 and small levels. */
  const rounded = (name: string, rows: number): GgufTensorData => {
    const bytes = new Uint8Array(rows * 34).map((_, i) => (i % 34 === 1 ? 0x3c : i % 34 === 0 ? 0 : i % 5));
    return { name, shape: [rows, HIDDEN], type: 8, bytes };
  };
  const tensors = [
    plain('token_embd.weight', [VOCABULARY, HIDDEN]),
    plain('output_norm.weight', [HIDDEN]),
    plain('blk.0.attn_norm.weight', [HIDDEN]),
    plain('blk.0.ffn_norm.weight', [HIDDEN]),
    rounded('blk.0.attn_q.weight', 32),
    rounded('blk.0.attn_k.weight', 16),
    rounded('blk.0.attn_v.weight', 16),
    rounded('blk.0.attn_output.weight', 32),
    rounded('blk.0.ffn_gate.weight', 32),
    rounded('blk.0.ffn_up.weight', 32),
    rounded('blk.0.ffn_down.weight', 32),
  ];
  return { metadata, tensors };
}

const ODD: readonly Value[] = [
  u32(0),
  u32(1),
  u32(0xffffffff),
  { type: 'u64', value: Number.MAX_SAFE_INTEGER },
  { type: 'i32', value: -1 },
  f32(NaN),
  f32(Infinity),
  f32(-1e30),
  '',
  'llama',
  '(a+)+$',
  '{{ 1/0 }}{% for i in range(999999999) %}',
  'a'.repeat(5000),
  true,
  { type: 'array', of: 'string', values: [] },
  { type: 'array', of: 'string', values: ['a', 'a', ''] },
  { type: 'array', of: 'i32', values: [3, 3, -1] },
  { type: 'array', of: 'f32', values: [NaN] },
];

/** Makes one to three changes to fields or tensors, then writes the file. */
function mutateModel(random: Random): Uint8Array {
  const { metadata, tensors } = soundModel();
  for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
    const key = pick(random, Object.keys(metadata));
    const tensor = pick(random, tensors);
    const kind = random();
    if (kind < 0.15) delete metadata[key];
    else if (kind < 0.5) metadata[key] = pick(random, ODD);
    else if (kind < 0.6) tensors.push(tensor);
    else if (kind < 0.7) tensors.splice(tensors.indexOf(tensor), 1);
    else if (kind < 0.8) Object.assign(tensor, { type: pick(random, [0, 1, 2, 8, 12, 14, 16, 24, 99]) });
    else if (kind < 0.9)
      Object.assign(tensor, { shape: pick(random, [[32], [0, 32], [32, 0], [2 ** 40, 2 ** 40], [1, 2, 3]]) });
    else metadata['general.alignment'] = pick(random, ODD);
    if (tensors.length === 0) break;
  }
  return gguf(metadata, tensors);
}

/** Falsifies a length, count or offset in the bytes. */
function lie(bytes: Uint8Array, random: Random): Uint8Array {
  const result = bytes.slice();
  const view = new DataView(result.buffer);
  for (let n = 1 + Math.floor(random() * 2); n > 0; n--) {
    const at = random() < 0.3 ? pick(random, [8, 16]) : Math.floor(random() * Math.min(result.length - 8, 2200));
    view.setBigUint64(at, pick(random, [0n, 1n, 2n ** 20n, 2n ** 32n, 2n ** 40n, 2n ** 63n, 2n ** 64n - 1n]), true);
  }
  return result;
}

/** Opens the file, uses its tokenizer and template, and reads all tensors. */
export const ggufFile: Attacked = {
  name: 'GGUF',
  isRefusal: isCheckpointRefusal,
  async open() {
    const folder = await scratchFolder();
    const path = join(folder.path, 'model.gguf');
    const { metadata, tensors } = soundModel();
    const sound = gguf(metadata, tensors);
    return {
      async read(random) {
        const kind = random();
        const bytes = kind < 0.4 ? mutateBytes(sound, random) : kind < 0.6 ? lie(sound, random) : mutateModel(random);
        await writeFile(path, bytes);
        const checkpoint = await openCheckpoint(path);
        try {
          const tokenizer = await checkpoint.openTokenizer();
          tokenizer.decode(tokenizer.encode('abcd a <|end|>x'));
          (await checkpoint.openChatTemplate())?.render([{ role: 'user', content: 'a' }]);
          for (const name of checkpoint.tensors.names()) {
            await checkpoint.tensors.readFloat32(name);
            for (const bits of [4, 8] as const)
              if (checkpoint.tensors.holdsBlocks?.(name, bits)) await checkpoint.tensors.readBlocks?.(name, bits);
          }
        } finally {
          await checkpoint.close();
        }
      },
      close: folder.remove,
    };
  },
};
