import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixture } from '../fixtures';

/** GPT-2's printable stand-ins for the 256 bytes. */
function byteCharacters(): string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

/** A tiny checkpoint of random weights, with a tokenizer of one token a byte and a chat template: it writes noise, really computed. */
export function writeTinyCheckpoint(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const source = fixture('checkpoints/smollm2');
  for (const name of readdirSync(source)) copyFileSync(join(source, name), join(directory, name));
  const config = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...config, max_position_embeddings: 4_096 }));
  const special = ['<unk>', '<s>', '</s>', '<|user|>', '<|assistant|>', '<|system|>'];
  const vocab = Object.fromEntries([...special, ...byteCharacters()].map((piece, id) => [piece, id]));
  writeFileSync(join(directory, 'tokenizer.json'), JSON.stringify({
    version: '1.0',
    added_tokens: special.map((content, id) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab, merges: [], unk_token: null, byte_fallback: false },
  }));
  writeFileSync(join(directory, 'tokenizer_config.json'), JSON.stringify({
    bos_token: '<s>',
    eos_token: '</s>',
    chat_template: "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
  }));
}

/** The trained stories260K with a tokenizer.json made of its sentencepiece vocabulary: pieces merge in the order of their ids. */
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
  writeFileSync(join(directory, 'tokenizer.json'), JSON.stringify({
    version: '1.0',
    added_tokens: special.map((content, id) => ({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true })),
    normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, { type: 'Replace', pattern: { String: ' ' }, content: '▁' }] },
    pre_tokenizer: null,
    post_processor: { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }], pair: [], special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } } },
    decoder: { type: 'Sequence', decoders: [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' }, { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }] },
    model: { type: 'BPE', vocab, merges, unk_token: '<unk>', fuse_unk: true, byte_fallback: true },
  }));
}
