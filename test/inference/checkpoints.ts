import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { f32, safetensors } from '../engine/checkpoint/write';
import { fixture } from '../fixtures';

/** GPT-2's printable stand-ins for the 256 bytes. */
function byteCharacters(): string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

/** The first token ids; those of the bytes follow. */
const SPECIAL = ['<unk>', '<s>', '</s>', '<|user|>', '<|assistant|>', '<|system|>'];

/**
 * A tiny checkpoint of random weights, with a tokenizer of one token a byte and a chat template: it writes noise,
 * really computed.
 */
export function writeTinyCheckpoint(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const source = fixture('checkpoints/smollm2');
  for (const name of readdirSync(source)) copyFileSync(join(source, name), join(directory, name));
  const config = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...config, max_position_embeddings: 4_096 }));
  const vocab = Object.fromEntries([...SPECIAL, ...byteCharacters()].map((piece, id) => [piece, id]));
  writeFileSync(
    join(directory, 'tokenizer.json'),
    JSON.stringify({
      version: '1.0',
      added_tokens: SPECIAL.map((content, id) => ({
        id,
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
      model: { type: 'BPE', vocab, merges: [], unk_token: null, byte_fallback: false },
    }),
  );
  writeFileSync(
    join(directory, 'tokenizer_config.json'),
    JSON.stringify({
      bos_token: '<s>',
      eos_token: '</s>',
      chat_template:
        "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
    }),
  );
}

/** The tiny checkpoint with a rule of anchors and their token, and a window of so many tokens. */
export function writeAnchoredCheckpoint(directory: string, window: number): void {
  writeTinyCheckpoint(directory);
  const [config, tokenizer] = [join(directory, 'config.json'), join(directory, 'tokenizer.json')];
  const rule = { anchorage: { anchor_rule: { min: 16, max: 24 } }, max_position_embeddings: window };
  writeFileSync(config, JSON.stringify({ ...(JSON.parse(readFileSync(config, 'utf8')) as object), ...rule }));
  const stored = JSON.parse(readFileSync(tokenizer, 'utf8')) as {
    added_tokens: { id: number; content: string }[];
    model: { vocab: Record<string, number> };
  };
  const [first] = stored.added_tokens;
  const id = Object.keys(stored.model.vocab).length;
  stored.model.vocab['<|anchor|>'] = id;
  stored.added_tokens.push({ ...(first as { id: number }), id, content: '<|anchor|>' });
  writeFileSync(tokenizer, JSON.stringify(stored));
}

/** The same of a size that takes milliseconds for a token, so that an answer can be watched while it is written. */
export function writeSlowCheckpoint(directory: string, { layers = 8, hidden = 256 } = {}): void {
  writeTinyCheckpoint(directory);
  const file = join(directory, 'config.json');
  const config = {
    ...(JSON.parse(readFileSync(file, 'utf8')) as { vocab_size: number }),
    hidden_size: hidden,
    intermediate_size: 2 * hidden,
    num_hidden_layers: layers,
    num_attention_heads: hidden / 32,
    num_key_value_heads: hidden / 64,
    head_dim: 32,
  };
  writeFileSync(file, JSON.stringify(config));
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [config.vocab_size, hidden],
    'model.norm.weight': [hidden],
  };
  for (let layer = 0; layer < layers; layer++) {
    const at = `model.layers.${layer}`;
    for (const norm of ['input_layernorm', 'post_attention_layernorm']) shapes[`${at}.${norm}.weight`] = [hidden];
    for (const side of ['q', 'o']) shapes[`${at}.self_attn.${side}_proj.weight`] = [hidden, hidden];
    for (const side of ['k', 'v']) shapes[`${at}.self_attn.${side}_proj.weight`] = [hidden / 2, hidden];
    for (const side of ['gate', 'up']) shapes[`${at}.mlp.${side}_proj.weight`] = [2 * hidden, hidden];
    shapes[`${at}.mlp.down_proj.weight`] = [hidden, 2 * hidden];
  }
  writeSafetensors(join(directory, 'model.safetensors'), shapes);
}

/**
 * Small pseudo-random numbers of a fixed seed; ones where a norm multiplies. Of the tokens, which are read and written
 * with the same rows, only small letters and the space have any: a row of zeros is never the likeliest, so the end does
 * not come before the limit.
 */
function writeSafetensors(file: string, shapes: Record<string, number[]>): void {
  let seed = 1;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647 - 0.5;
  const header: Record<string, { dtype: 'F32'; shape: number[]; data_offsets: [number, number] }> = {};
  const tensors: Float32Array[] = [];
  let offset = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    const size = shape.reduce((product, side) => product * side, 1);
    const row = shape[1] ?? 1;
    const silent = (index: number): boolean =>
      name.includes('embed') && !/[a-z ]/.test(String.fromCharCode(Math.floor(index / row) - SPECIAL.length));
    tensors.push(
      Float32Array.from({ length: size }, (_, index) =>
        name.includes('norm') ? 1 : silent(index) ? 0 : (/[qk]_proj/.test(name) ? 1.5 : 0.2) * random(),
      ),
    );
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, (offset += 4 * size)] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(file, Buffer.concat([length, text, ...tensors.map(({ buffer }) => Buffer.from(buffer))]));
}

/**
 * The trained stories260K with a tokenizer.json made of its sentencepiece vocabulary: pieces merge in the order of
 * their ids.
 */
export function writeStories(source: string, directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const name of ['config.json', 'model.safetensors']) copyFileSync(join(source, name), join(directory, name));
  const pieces = JSON.parse(readFileSync(join(source, 'vocab.json'), 'utf8')) as string[];
  const vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
  const merges = pieces.slice(259).flatMap((piece) => {
    const characters = [...piece];
    return characters.slice(1).flatMap((_, at) => {
      const [left, right] = [characters.slice(0, at + 1).join(''), characters.slice(at + 1).join('')];
      return left in vocab && right in vocab ? [`${left} ${right}`] : [];
    });
  });
  const special = ['<unk>', '<s>', '</s>'];
  writeFileSync(
    join(directory, 'tokenizer.json'),
    JSON.stringify({
      version: '1.0',
      added_tokens: special.map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: {
        type: 'Sequence',
        normalizers: [
          { type: 'Prepend', prepend: '▁' },
          { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
        ],
      },
      pre_tokenizer: null,
      post_processor: {
        type: 'TemplateProcessing',
        single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
        pair: [],
        special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
      },
      decoder: {
        type: 'Sequence',
        decoders: [
          { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
          { type: 'ByteFallback' },
          { type: 'Fuse' },
          { type: 'Strip', content: ' ', start: 1, stop: 0 },
        ],
      },
      model: { type: 'BPE', vocab, merges, unk_token: '<unk>', fuse_unk: true, byte_fallback: true },
    }),
  );
}

/** A LoRA adapter of rank 1 for the output of the first layer's attention. */
export function writeAdapter(directory: string, checkpoint: string): void {
  mkdirSync(directory, { recursive: true });
  const config = JSON.parse(readFileSync(join(checkpoint, 'config.json'), 'utf8')) as Record<string, number>;
  const hidden = config['hidden_size'] as number;
  const width =
    (config['num_attention_heads'] as number) *
    (config['head_dim'] ?? hidden / (config['num_attention_heads'] as number));
  writeFileSync(join(directory, 'adapter_config.json'), JSON.stringify({ peft_type: 'LORA', r: 1, lora_alpha: 40 }));
  const module = 'base_model.model.model.layers.0.self_attn.o_proj';
  writeFileSync(
    join(directory, 'adapter_model.safetensors'),
    safetensors({
      [`${module}.lora_A.weight`]: f32([1, width], (i) => Math.sin(i)),
      [`${module}.lora_B.weight`]: f32([hidden, 1], (i) => Math.cos(3 * i)),
    }),
  );
}
