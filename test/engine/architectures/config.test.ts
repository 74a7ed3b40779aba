import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/engine/architectures/config';
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
    [{ layer_types: ['full_attention', 'sliding_attention'], sliding_window: 8 }, 'unsupported', 'layer_types'],
    [{ layer_types: ['full_attention'] }, 'mismatch', 'layer_types'],
    [
      { model_type: 'qwen2', use_sliding_window: true, sliding_window: 8, max_window_layers: 1 },
      'unsupported',
      'max_window_layers',
    ],
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
      fc.constantFrom('llama', 'qwen2', 'phi3', 'yarn', null, 4096, true),
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
