import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/engine/architectures/config';
import { gemma3 } from '../../../src/engine/architectures/gemma3';
import type { ModelConfig } from '../../../src/engine';
import { FAMILIES, readJsonFixture } from '../../fixtures';

const llama = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 100,
  max_position_embeddings: 512,
};
const parse = (change: Record<string, unknown>) => parseConfig({ ...llama, ...change }, '/m/config.json');

describe('config.json', () => {
  it.each(FAMILIES)('of the %s fixture is parsed', (family) => {
    const config = parseConfig(readJsonFixture(`checkpoints/${family}/config.json`), 'config.json');
    expect(config.layers).toBe(2);
    expect(config.queryHeads % config.kvHeads).toBe(0);
  });

  it('has the special values of each family', () => {
    expect(parse({})).toMatchObject({
      headDim: 16,
      layerDescriptions: [
        { norm: 'before', attention: { scale: 0.25, rotary: true, qkNorm: 'none', qkvBias: false } },
        { norm: 'before' },
      ],
      tiedEmbeddings: false,
      normEps: 1e-6,
      rope: { theta: 10_000, rotaryDim: 16, scaling: { type: 'default' } },
    });
    expect(parse({ attention_bias: true, mlp_bias: true })).toMatchObject({
      layerDescriptions: Array(2).fill({
        attention: { qkvBias: true, outputBias: true },
        feedForward: { bias: true },
      }) as unknown,
    });
    const attentionOf = (config: ModelConfig) => config.layerDescriptions[0]?.attention;
    expect(attentionOf(parse({ model_type: 'qwen2' }))).toMatchObject({ qkvBias: true, outputBias: false });
    expect(parse({ model_type: 'qwen3' }).headDim).toBe(128);
    expect(attentionOf(parse({ model_type: 'qwen3' }))).toMatchObject({ qkNorm: 'head', qkvBias: false });
    expect(parse({ model_type: 'mistral', sliding_window: 4096 }).slidingWindow).toBe(4096);
    expect(parse({ model_type: 'mistral', sliding_window: null }).slidingWindow).toBeUndefined();
    expect(
      parse({ model_type: 'qwen2', sliding_window: 4096, use_sliding_window: false }).slidingWindow,
    ).toBeUndefined();
    expect(
      parse({ model_type: 'qwen2', sliding_window: 4096, use_sliding_window: true, max_window_layers: 0 })
        .slidingWindow,
    ).toBe(4096);
    expect(parse({ model_type: 'phi3', partial_rotary_factor: 0.75 }).rope.rotaryDim).toBe(12);
    expect(parse({ num_key_value_heads: null }).kvHeads).toBe(4);
    expect(parse({ eos_token_id: [2, 3], bos_token_id: null })).toMatchObject({ eosTokenIds: [2, 3] });
    expect(parse({ eos_token_id: [2], bos_token_id: 1 })).toMatchObject({ eosTokenIds: [2], bosTokenId: 1 });
  });

  const windowsOf = (config: ModelConfig) => config.layerDescriptions.map(({ attention }) => attention.window);

  it('gives layers their own windows where they differ', () => {
    const mixed = parse({ layer_types: ['full_attention', 'sliding_attention'], sliding_window: 8 });
    expect([windowsOf(mixed), mixed.slidingWindow]).toEqual([[undefined, 8], undefined]);
    const switched = { use_sliding_window: true, sliding_window: 8 };
    const qwen2 = parse({ model_type: 'qwen2', ...switched, max_window_layers: 1 });
    expect([windowsOf(qwen2), qwen2.slidingWindow]).toEqual([[undefined, 8], undefined]);
    // The first 28 layers have none, unless the config says otherwise.
    expect(parse({ model_type: 'qwen2', ...switched })).not.toHaveProperty('slidingWindow');
    expect(windowsOf(parse({ model_type: 'qwen3', ...switched, num_hidden_layers: 30 })).indexOf(8)).toBe(28);
    const smollm3 = parse({ model_type: 'smollm3', ...switched, no_rope_layers: [1, 0] });
    expect(windowsOf(smollm3)).toEqual([undefined, 8]);
    const uniform = parse({ layer_types: ['sliding_attention', 'sliding_attention'], sliding_window: 8 });
    expect([windowsOf(uniform), uniform.slidingWindow]).toEqual([[undefined, undefined], 8]);
  });

  it('of Gemma 3 has windows and frequencies in five of six layers', () => {
    const own = { model_type: 'gemma3_text', architectures: ['Gemma3ForCausalLM'], sliding_window: 16 };
    const config = parse({ ...own, num_hidden_layers: 13, rope_scaling: { rope_type: 'linear', factor: 8 } });
    const sliding = [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 12];
    expect(windowsOf(config).flatMap((window, layer) => (window === 16 ? [layer] : []))).toEqual(sliding);
    expect(config).toMatchObject({
      tiedEmbeddings: true,
      embeddingScale: 8,
      normOffset: 1,
      rope: {
        theta: 1e6,
        scaling: { type: 'linear', factor: 8 },
        others: [{ layers: sliding, rope: { theta: 1e4, scaling: { type: 'default' } } }],
      },
    });
    expect(config.layerDescriptions[0]).toMatchObject({
      norm: 'around',
      attention: { scale: 1 / 16, qkNorm: 'head' },
      feedForward: { activation: 'gelu' },
    });
    const byKind = parse({
      ...own,
      sliding_window_pattern: 2,
      rope_parameters: {
        full_attention: { rope_type: 'default', rope_theta: 5e5 },
        sliding_attention: { rope_type: 'default', rope_theta: 2e4 },
      },
    });
    expect(byKind.rope).toMatchObject({ theta: 5e5, others: [{ layers: [0], rope: { theta: 2e4 } }] });
    const short = parse({ ...own, rope_local_base_freq: 3e4 });
    expect([short.slidingWindow, short.rope.theta, short.rope.others]).toEqual([16, 3e4, undefined]);
  });

  it('of Gemma 3 in GGUF has the scale that llama.cpp computes', () => {
    const implied = (config: Record<string, unknown>) => gemma3.gguf?.implied?.(config)['query_pre_attn_scalar'];
    const of27B = { num_hidden_layers: 62, hidden_size: 5376, num_attention_heads: 32, head_dim: 128 };
    expect(implied(of27B)).toBe(168);
    expect(implied({ ...of27B, num_hidden_layers: 48 })).toBe(128);
    expect(implied({ num_hidden_layers: 2, hidden_size: 64, num_attention_heads: 4 })).toBe(16);
  });

  it('of Gemma 3 with images gives its language model', () => {
    const file = {
      model_type: 'gemma3',
      architectures: ['Gemma3ForConditionalGeneration'],
      eos_token_id: [1, 106],
      text_config: {
        model_type: 'gemma3_text',
        hidden_size: 2560,
        intermediate_size: 10240,
        num_hidden_layers: 34,
        sliding_window: 1024,
        rope_scaling: { rope_type: 'linear', factor: 8 },
      },
      vision_config: { hidden_size: 1152, num_hidden_layers: 27 },
    };
    expect(parseConfig(file, 'config.json')).toMatchObject({
      architecture: 'gemma3_text',
      vocabSize: 262_208,
      hiddenSize: 2560,
      queryHeads: 8,
      kvHeads: 4,
      headDim: 256,
      maxPositions: 131_072,
      eosTokenIds: [1, 106],
      tiedEmbeddings: true,
    });
    const capped = { ...file, text_config: { ...file.text_config, final_logit_softcapping: 30 } };
    expect(() => parseConfig(capped, 'config.json')).toThrow(
      expect.objectContaining({ code: 'unsupported', field: 'text_config.final_logit_softcapping' }),
    );
  });

  it('accepts longrope under its old names and the trained window at the top level', () => {
    const factors = { short_factor: new Array(8).fill(1), long_factor: new Array(8).fill(4) };
    for (const type of ['longrope', 'su', 'yarn']) {
      const { rope } = parse({
        model_type: 'phi3',
        original_max_position_embeddings: 128,
        rope_scaling: { type, ...factors },
      });
      expect(rope).toMatchObject({ originalMaxPositions: 128, scaling: { type: 'longrope', factor: 4 } });
    }
    expect(() => parse({ rope_scaling: { type: 'longrope', ...factors } })).toThrow(
      expect.objectContaining({ field: 'rope_scaling.original_max_position_embeddings' }),
    );
  });

  it.each([
    [{ model_type: undefined }, 'missing', 'model_type'],
    [{ model_type: 'gpt_neox' }, 'unsupported', 'model_type'],
    [{ architectures: ['LlamaForSequenceClassification'] }, 'unsupported', 'architectures'],
    [{ hidden_act: 'gelu' }, 'unsupported', 'hidden_act'],
    [{ quantization_config: { bits: 4 } }, 'unsupported', 'quantization_config'],
    [{ partial_rotary_factor: 0.5 }, 'unsupported', 'partial_rotary_factor'],
    [{ hidden_size: 1e9 }, 'outOfRange', 'hidden_size'],
    [{ hidden_size: -64 }, 'outOfRange', 'hidden_size'],
    [{ hidden_size: 64.5 }, 'malformed', 'hidden_size'],
    [{ hidden_size: '64' }, 'malformed', 'hidden_size'],
    [{ hidden_size: 66 }, 'mismatch', 'hidden_size'],
    [{ head_dim: 15 }, 'outOfRange', 'head_dim'],
    [{ num_hidden_layers: 1e6 }, 'outOfRange', 'num_hidden_layers'],
    [{ num_key_value_heads: 3 }, 'mismatch', 'num_key_value_heads'],
    [{ model_type: 'mistral', num_key_value_heads: null }, 'missing', 'num_key_value_heads'],
    [{ vocab_size: null }, 'missing', 'vocab_size'],
    [{ rms_norm_eps: 0 }, 'outOfRange', 'rms_norm_eps'],
    [{ tie_word_embeddings: 'yes' }, 'malformed', 'tie_word_embeddings'],
    [{ eos_token_id: 100 }, 'outOfRange', 'eos_token_id'],
    [{ eos_token_id: ['a'] }, 'malformed', 'eos_token_id'],
    [{ layer_types: ['full_attention', 'linear_attention'] }, 'unsupported', 'layer_types'],
    [{ layer_types: ['full_attention', 'sliding_attention'] }, 'missing', 'sliding_window'],
    [{ layer_types: ['full_attention'] }, 'mismatch', 'layer_types'],
    [{ attn_logit_softcapping: 50 }, 'unsupported', 'attn_logit_softcapping'],
    [{ final_logit_softcapping: 30 }, 'unsupported', 'final_logit_softcapping'],
    [{ use_bidirectional_attention: true }, 'unsupported', 'use_bidirectional_attention'],
    [{ model_type: 'gemma3_text', hidden_activation: 'gelu' }, 'unsupported', 'hidden_activation'],
    [{ model_type: 'gemma3_text', hidden_act: 'silu' }, 'unsupported', 'hidden_act'],
    [{ model_type: 'gemma3_text', sliding_window_pattern: 0 }, 'outOfRange', 'sliding_window_pattern'],
    [{ model_type: 'gemma3_text', query_pre_attn_scalar: 0 }, 'outOfRange', 'query_pre_attn_scalar'],
    [{ model_type: 'gemma3_text', architectures: ['Gemma3ForSequenceClassification'] }, 'unsupported', 'architectures'],
    [
      {
        model_type: 'gemma3_text',
        rope_parameters: { full_attention: {}, sliding_attention: { rope_type: 'dynamic', factor: 2 } },
      },
      'unsupported',
      'rope_parameters.sliding_attention.rope_type',
    ],
    [{ model_type: 'gemma2' }, 'unsupported', 'model_type'],
    [{ rope_scaling: { type: 'linear' } }, 'missing', 'rope_scaling.factor'],
    [{ rope_scaling: { type: 'magic', factor: 2 } }, 'unsupported', 'rope_scaling.rope_type'],
    [{ rope_scaling: [] }, 'malformed', 'rope_scaling'],
    [
      { rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 1 } },
      'mismatch',
      'rope_scaling.high_freq_factor',
    ],
    [
      {
        model_type: 'phi3',
        original_max_position_embeddings: 8,
        rope_scaling: { type: 'su', short_factor: [1], long_factor: [1] },
      },
      'mismatch',
      'rope_scaling.short_factor',
    ],
    [{ rope_parameters: { full_attention: {}, rope_theta: 1e4 } }, 'unsupported', 'rope_parameters.rope_type'],
  ])('%j is refused: %s %s', (change, code, field) => {
    expect(() => parse(change)).toThrow(
      expect.objectContaining({ name: 'CheckpointError', code, field, file: '/m/config.json' }),
    );
  });

  it('gives a valid config or a CheckpointError for any values', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.integer(),
      fc.double(),
      fc.constantFrom('llama', 'qwen2', 'phi3', 'gemma3', 'gemma3_text', 'smollm3', 'yarn', null, 4096, true),
      fc.constantFrom(llama, { full_attention: {}, sliding_attention: {} }, ['sliding_attention', 'full_attention']),
    );
    const fields = fc.dictionary(
      fc.constantFrom(
        ...Object.keys(llama),
        'head_dim',
        'rope_scaling',
        'rope_theta',
        'sliding_window',
        'eos_token_id',
        'layer_types',
        'rms_norm_eps',
        'text_config',
        'rope_parameters',
        'sliding_window_pattern',
        'max_window_layers',
        'use_sliding_window',
        'hidden_activation',
      ),
      value,
    );
    fc.assert(
      fc.property(fields, (change) => {
        try {
          const config = parse(change);
          expect(config.headDim % 2).toBe(0);
          expect(Number.isSafeInteger(config.vocabSize * config.hiddenSize)).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ name: 'CheckpointError' });
        }
      }),
      { numRuns: 1000 },
    );
  });
});
