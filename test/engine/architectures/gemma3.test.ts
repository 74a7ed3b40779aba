import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  anchors,
  compose,
  Decoder,
  full,
  intervalAnchors,
  lambda,
  memories,
  openCheckpoint,
  streaming,
  type AttentionPolicy,
  type DecoderContext,
} from '../../../src/engine';
import { generator } from '../../../src/engine/generate/sampling';
import { f32, writeSafetensors, type TestTensor } from '../checkpoint/write';
import { largestGap, randomTokens } from '../tiny';
import { gemmaForward, type GemmaDistance, type GemmaFiles, type GemmaRow } from './gemma3-reference';

const WINDOW = 5;
const VOCAB = 64;
const TOKENS = 44;
const LAYERS = 7;

/** Six layers of seven have the window: every sixth has none. */
const sizes = {
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: LAYERS,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 16,
  query_pre_attn_scalar: 24,
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  rope_local_base_freq: 1e4,
  rope_scaling: { rope_type: 'linear', factor: 4 },
};

const CONFIG = {
  ...sizes,
  model_type: 'gemma3_text',
  architectures: ['Gemma3ForCausalLM'],
  hidden_activation: 'gelu_pytorch_tanh',
  sliding_window: WINDOW,
  vocab_size: VOCAB,
  max_position_embeddings: 512,
};

let directory: string;
let files: GemmaFiles;
let tensors: Record<string, TestTensor>;

/** Random weights of about unit gain. Norms are away from 0. */
function randomWeights(): Record<string, TestTensor> {
  const random = generator(11);
  const made: Record<string, TestTensor> = {};
  const add = (name: string, shape: number[], gain: number) => {
    made[`model.${name}.weight`] = f32(shape, () => gain * (2 * random() - 1));
  };
  const { hidden_size: hidden, intermediate_size: inner, head_dim: width } = sizes;
  add('embed_tokens', [VOCAB, hidden], 0.6);
  add('norm', [hidden], 0.5);
  for (let layer = 0; layer < LAYERS; layer++) {
    const at = `layers.${layer}`;
    for (const norm of ['input', 'post_attention', 'pre_feedforward', 'post_feedforward'])
      add(`${at}.${norm}_layernorm`, [hidden], 0.5);
    for (const [name, rows, columns] of [
      ['self_attn.q_proj', 4 * width, hidden],
      ['self_attn.k_proj', 2 * width, hidden],
      ['self_attn.v_proj', 2 * width, hidden],
      ['self_attn.o_proj', hidden, 4 * width],
      ['mlp.gate_proj', inner, hidden],
      ['mlp.up_proj', inner, hidden],
      ['mlp.down_proj', hidden, inner],
    ] as const)
      add(`${at}.${name}`, [rows, columns], 2 / Math.sqrt(columns));
    for (const norm of ['q_norm', 'k_norm']) add(`${at}.self_attn.${norm}`, [width], 0.5);
  }
  return made;
}

async function writeCheckpoint(name: string, config: object, weights: Record<string, TestTensor>): Promise<string> {
  const folder = join(directory, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  await writeSafetensors(join(folder, 'model.safetensors'), weights);
  return folder;
}

async function openDecoder(path: string, options: Partial<Parameters<typeof Decoder.open>[1]> = {}): Promise<Decoder> {
  const checkpoint = await openCheckpoint(path);
  try {
    return await Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, threads: 1, ...options });
  } finally {
    await checkpoint.close();
  }
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gemma3-'));
  tensors = randomWeights();
  await writeCheckpoint('text', CONFIG, tensors);
  files = {
    config: {
      ...sizes,
      layer_types: Array.from({ length: LAYERS }, (_, i) => (i % 6 === 5 ? 'full_attention' : 'sliding_attention')),
    },
    tensors: new Map(
      Object.entries(tensors).map(([name, { bytes }]) => [name, new Float32Array(bytes.slice().buffer)]),
    ),
  };
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Logits of every token: blocks of these lengths, then one by one. */
async function read(
  context: DecoderContext,
  tokens: readonly number[],
  blocks: readonly number[],
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  let at = 0;
  for (const length of blocks) {
    const block = tokens.slice(at, at + length);
    const { logits } = await context.prefill(block, { logits: 'all' });
    for (let i = 0; i < block.length; i++) rows.push(logits.slice(i * VOCAB, (i + 1) * VOCAB));
    at += length;
  }
  for (const token of tokens.slice(at)) rows.push((await context.decode(token)).slice());
  return rows;
}

type Distance = (i: number, j: number) => number | undefined;

/** In layers with the window only what is nearer than the window. */
const sliding =
  (distance: Distance): GemmaDistance =>
  (i, j, slides) => {
    const d = distance(i, j);
    return d === undefined || (slides && d >= WINDOW) ? undefined : d;
  };

const isAnchor = (j: number) => j >= 2 && j % 4 === 3;
const POLICIES: [string, () => AttentionPolicy, Distance][] = [
  ['full attention', () => full(), (i, j) => i - j],
  ['memories', () => memories({ sinks: 2 }), (i, j) => i - j],
  ...[
    [0, 12],
    [2, 12],
    [2, 3],
  ].map(([sinks = 0, window = 0]): [string, () => AttentionPolicy, Distance] => [
    `Λ with ${sinks} sinks and a window of ${window}`,
    () => lambda({ sinks, window }),
    (i, j) => (j < sinks || i - j < window ? Math.min(i - j, window) : undefined),
  ]),
  [
    'Λ with a ceiling beyond the window',
    () => lambda({ sinks: 2, window: 3, ceiling: 4 }),
    (i, j) => (j < 2 || i - j < 3 ? Math.min(i - j, 4) : undefined),
  ],
  [
    'Λ without a ceiling',
    () => lambda({ sinks: 2, window: 9, ceiling: Infinity }),
    (i, j) => (j < 2 || i - j < 9 ? i - j : undefined),
  ],
  [
    'StreamingLLM',
    () => streaming({ sinks: 3, window: 4 }),
    (i, j) => (j < 3 ? Math.min(i, 6) - j : i - j < 4 ? i - j : undefined),
  ],
  [
    'anchors',
    () => anchors({ sinks: 2, isAnchor: intervalAnchors(4) }),
    (i, j) => {
      const segment = (t: number) => Array.from({ length: t }, (_, k) => k).filter(isAnchor).length;
      if (j < 2 || segment(i) === segment(j)) return i - j;
      return isAnchor(j) && !isAnchor(i) ? i - j : undefined;
    },
  ],
  [
    'Λ with separators',
    () => compose(lambda({ sinks: 2, window: 7 }), anchors({ sinks: 2, isAnchor: intervalAnchors(4), closing: false })),
    (i, j) => (j < 2 || isAnchor(j) || i - j < 7 ? Math.min(i - j, 7) : undefined),
  ],
];

describe.each([3, 16])('Gemma 3 in chunks of %i computes what plain arrays compute', (chunkTokens) => {
  let decoder: Decoder;
  beforeAll(async () => (decoder = await openDecoder(join(directory, 'text'), { chunkTokens })));
  afterAll(() => decoder.close());

  it.each(POLICIES)('%s', async (_name, policy, distance) => {
    const tokens = randomTokens(TOKENS, VOCAB, chunkTokens);
    const expected = gemmaForward(files, tokens, sliding(distance)).logits;
    for (const blocks of [[], [TOKENS], [1, 17, 9]]) {
      const got = await read(decoder.newContext(policy(), TOKENS), tokens, blocks);
      expect(largestGap(got, expected)).toBeLessThan(2e-4);
    }
  });

  it('rows that were encoded apart, spliced and moved', async () => {
    const sinks = [3, 4];
    const segment = randomTokens(9, VOCAB, 5);
    const tokens = randomTokens(8, VOCAB, 6);
    const head = decoder.newContext(full(), 8);
    await head.prefill(sinks);
    const prefix = head.rowsAt(0, 2);
    const keep = segment.map((_, t) => t);
    const [encoded] = await decoder.encodeSegments([{ tokens: segment, keep }], { prefix });
    const context = decoder.newContext(full(), 64);
    await context.prefill(sinks);
    context.move(context.splice((encoded as { rows: typeof prefix }).rows, 10, 'a.ts:1-9'), 3);
    const positions = [0, 1, ...keep.map((t) => 13 + t), ...tokens.map((_, t) => 22 + t)];
    const past = gemmaForward(
      files,
      [...sinks, ...segment],
      sliding((i, j) => i - j),
    ).rows;
    const at = (row: number) => positions[row] as number;
    const { logits } = gemmaForward(
      files,
      tokens,
      sliding((i, j) => at(i) - at(j)),
      past,
    );
    expect(largestGap(await read(context, tokens, [5]), logits)).toBeLessThan(2e-4);
  });

  it('blocks of earlier text in front of the last tokens', async () => {
    const [sinks, window, tail, length] = [2, 12, 4, 30];
    const tokens = randomTokens(length, VOCAB, 8);
    const read = length - tail;
    // All blocks: the rows between the sinks and the last tokens are placed again.
    const policy = lambda({ sinks, window, middle: { blocks: { rows: 4, count: 7 }, tail } });
    const got = (await decoder.newContext(policy, 100).prefill(tokens)).logits;
    const before = gemmaForward(
      files,
      tokens.slice(0, read),
      sliding((i, j) => (j < sinks || i - j < window ? Math.min(i - j, window) : undefined)),
    ).rows;
    const placed = before.slice(sinks);
    const past: GemmaRow[] = [...before, ...placed];
    const positions = [...before.keys(), ...placed.map((_, i) => read + i)];
    for (let i = 0; i < tail; i++) positions.push(read + placed.length + i);
    const { logits } = gemmaForward(
      files,
      tokens.slice(read),
      sliding((i, j) => {
        const d = (positions[i] as number) - (positions[j] as number);
        const stays = j < sinks || (j >= before.length && j < past.length);
        return stays || d < window ? Math.min(d, window) : undefined;
      }),
      past,
    );
    expect(largestGap([got], [logits.at(-1) as number[]])).toBeLessThan(2e-4);
  });
});

describe('Gemma 3', () => {
  it('is read by kernels as by graphs, over pages that some layers skip', async () => {
    const tokens = randomTokens(560, VOCAB, 3);
    const policies = [() => full(), () => lambda({ sinks: 2, window: 300 })];
    for (const policy of policies) {
      const made: Float32Array[][] = [];
      for (const kernels of [true, false]) {
        const decoder = await openDecoder(join(directory, 'text'), { weights: '8bit', kernels });
        const context = decoder.newContext(policy(), 600);
        await context.prefill(tokens.slice(0, 540), { logits: 'none' });
        const rows: Float32Array[] = [];
        for (const token of tokens.slice(540)) rows.push((await context.decode(token)).slice());
        made.push(rows);
        await decoder.close();
      }
      const [ours = [], graph = []] = made;
      let [differences, squares] = [0, 0];
      graph.forEach((row, r) =>
        row.forEach((x, i) => {
          differences += ((ours[r]?.[i] ?? NaN) - x) ** 2;
          squares += x * x;
        }),
      );
      expect(Math.sqrt(differences / squares)).toBeLessThan(0.05);
    }
  });

  it.each([
    ['language_model.model.', 'vision_tower.vision_model.encoder.layers.0.'],
    ['model.language_model.', 'model.vision_tower.vision_model.encoder.layers.0.'],
  ])('with images in %s* is its language model', async (prefix, vision) => {
    const renamed = Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [name.replace('model.', prefix), tensor]),
    );
    const { vocab_size, model_type, architectures: _, ...inner } = CONFIG;
    const path = await writeCheckpoint(
      `images-${prefix}`,
      {
        model_type: 'gemma3',
        architectures: ['Gemma3ForConditionalGeneration'],
        eos_token_id: [1, 2],
        text_config: { model_type, vocab_size, ...inner },
        vision_config: { hidden_size: 8 },
      },
      {
        ...renamed,
        // Read as the decoder's, these would be refused.
        [`${vision}self_attn.q_proj.bias`]: f32([8], () => NaN),
        [`${vision}layer_norm1.weight`]: f32([8], () => NaN),
      },
    );
    const opened = await openCheckpoint(path);
    expect(opened.tensors.names().filter((name) => name.includes('vision'))).toEqual([]);
    expect(opened.config.eosTokenIds).toEqual([1, 2]);
    await opened.close();
    const ids = randomTokens(20, VOCAB, 1);
    const logits: Float32Array[] = [];
    for (const folder of [path, join(directory, 'text')]) {
      const decoder = await openDecoder(folder);
      logits.push((await decoder.newContext(full(), 20).prefill(ids)).logits.slice());
      await decoder.close();
    }
    expect(logits[0]).toEqual(logits[1]);
  });

  it('refuses what its windows make inexact', async () => {
    const decoder = await openDecoder(join(directory, 'text'));
    const byHeads = lambda({ sinks: 2, window: 6, middle: { k: 2, fromLayer: 0 } });
    expect(() => decoder.newContext(byHeads, 64)).toThrow(expect.objectContaining({ code: 'badInput' }));
    await decoder.close();
    const checkpoint = await openCheckpoint(join(directory, 'text'));
    await expect(
      Decoder.open(checkpoint, { weights: 'f32', cacheDirectory: null, memory: checkpoint.tensors }),
    ).rejects.toMatchObject({ code: 'badInput' });
    await checkpoint.close();
  });
});
