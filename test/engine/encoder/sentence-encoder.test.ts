import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileEncoder, SentenceEncoder } from '../../../src/engine/encoder';
import { f32, writeSafetensors, type TestTensor } from '../checkpoint/write';
import { referenceVector, type Tensors, type TinyShape } from './reference';

const WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'open', 'the', 'lock', '##s', 'a', 'file', '.', 'de', '##lay'];
const SHAPE: TinyShape = { layers: 2, hidden: 32, heads: 4, inner: 48, vocab: WORDS.length, positions: 40 };

let directory: string;
let tensors: Tensors;
let encoder: SentenceEncoder;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'encoder-'));
  tensors = await writeCheckpoint(directory);
  await compileEncoder(directory, join(directory, 'compiled'));
  encoder = await SentenceEncoder.open(join(directory, 'compiled'), { threads: 1 });
});

afterAll(async () => {
  await encoder.close();
  rmSync(directory, { recursive: true, force: true });
});

describe('a sentence encoder', () => {
  test('tokenizes text into lower-case word pieces between [CLS] and [SEP]', () => {
    const pieces = encoder.tokensOf('Open the LOCKs.').map((id) => WORDS[id]);
    expect(pieces).toEqual(['[CLS]', 'open', 'the', 'lock', '##s', '.', '[SEP]']);
    expect(encoder.tokensOf('zebra').map((id) => WORDS[id])).toEqual(['[CLS]', '[UNK]', '[SEP]']);
  });

  test('gives the vectors of the reference, up to the rounding of the weights', async () => {
    const texts = ['open the locks.', 'a file', 'delay the delays. open a file.'];
    const vectors = await encoder.encode(texts);
    texts.forEach((text, i) => {
      const ours = [...vectors.subarray(i * SHAPE.hidden, (i + 1) * SHAPE.hidden)];
      const reference = referenceVector(encoder.tokensOf(text), tensors, SHAPE);
      const cosine = ours.reduce((sum, value, j) => sum + value * (reference[j] as number), 0);
      expect(cosine).toBeGreaterThan(0.995);
      expect(Math.hypot(...ours)).toBeCloseTo(1, 4);
    });
  });

  test('gives a text the same vector alone and in a batch with longer texts', async () => {
    const alone = await encoder.encode(['open the file']);
    const beside = await encoder.encode(['delay the locks. open a file. delays.', 'open the file', 'a']);
    for (let i = 0; i < SHAPE.hidden; i++) expect(beside[SHAPE.hidden + i]).toBeCloseTo(alone[i] as number, 5);
  });

  test('truncates a text beyond the model window and keeps the last token', () => {
    const ids = encoder.tokensOf('lock '.repeat(500));
    expect(ids).toHaveLength(SHAPE.positions);
    expect(WORDS[ids[ids.length - 1] as number]).toBe('[SEP]');
  });

  test('accepts an empty text, and stops when cancelled', async () => {
    expect(Math.hypot(...(await encoder.encode([''])))).toBeCloseTo(1, 4);
    await expect(encoder.encode(['a'], { signal: AbortSignal.abort() })).rejects.toThrow();
    expect(await encoder.encode([])).toHaveLength(0);
  });
});

test('a checkpoint of another kind is refused with the field named', async () => {
  writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...CONFIG, model_type: 'roberta' }));
  await expect(compileEncoder(directory, join(directory, 'other'))).rejects.toThrow(
    /config\.json \(model_type\).*"bert"/,
  );
});

const CONFIG = {
  model_type: 'bert',
  hidden_act: 'gelu',
  num_hidden_layers: SHAPE.layers,
  hidden_size: SHAPE.hidden,
  num_attention_heads: SHAPE.heads,
  intermediate_size: SHAPE.inner,
  vocab_size: SHAPE.vocab,
  max_position_embeddings: SHAPE.positions,
  layer_norm_eps: 1e-12,
};

async function writeCheckpoint(folder: string): Promise<Tensors> {
  const { layers, hidden, inner, vocab, positions } = SHAPE;
  const sizes: Record<string, number[]> = {
    'embeddings.word_embeddings.weight': [vocab, hidden],
    'embeddings.position_embeddings.weight': [positions, hidden],
    'embeddings.token_type_embeddings.weight': [2, hidden],
    'embeddings.LayerNorm.weight': [hidden],
    'embeddings.LayerNorm.bias': [hidden],
  };
  for (let layer = 0; layer < layers; layer++) {
    const parts: Record<string, [number, number]> = {
      'attention.self.query': [hidden, hidden],
      'attention.self.key': [hidden, hidden],
      'attention.self.value': [hidden, hidden],
      'attention.output.dense': [hidden, hidden],
      'intermediate.dense': [inner, hidden],
      'output.dense': [hidden, inner],
    };
    for (const [part, size] of Object.entries(parts)) {
      sizes[`encoder.layer.${layer}.${part}.weight`] = size;
      sizes[`encoder.layer.${layer}.${part}.bias`] = [size[0]];
    }
    for (const part of ['attention.output.LayerNorm', 'output.LayerNorm']) {
      sizes[`encoder.layer.${layer}.${part}.weight`] = [hidden];
      sizes[`encoder.layer.${layer}.${part}.bias`] = [hidden];
    }
  }
  let seed = 1;
  const random = (): number => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647 - 0.5;
  };
  const written: Record<string, TestTensor> = {};
  for (const [name, shape] of Object.entries(sizes)) {
    const around = name.endsWith('LayerNorm.weight') ? 1 : 0;
    written[name] = f32(shape, () => around + random());
  }
  await writeSafetensors(join(folder, 'model.safetensors'), written);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(CONFIG));
  writeFileSync(join(folder, 'tokenizer_config.json'), '{}');
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer()));
  return new Map(
    Object.entries(written).map(([name, { shape, bytes }]) => [
      name,
      { shape, values: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4) },
    ]),
  );
}

function tokenizer(): object {
  const special = (id: number) => ({ id: WORDS[id], ids: [id], tokens: [WORDS[id]] });
  return {
    version: '1.0',
    added_tokens: [0, 1, 2, 3].map((id) => ({
      id,
      content: WORDS[id],
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    })),
    normalizer: { type: 'BertNormalizer', clean_text: true, handle_chinese_chars: true, lowercase: true },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [],
      special_tokens: { '[CLS]': special(2), '[SEP]': special(3) },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])),
    },
  };
}
