import type { Fields } from '../checkpoint/json';
import type { ModelFamily } from './family';

/** Values that a config.json of this family leaves out. Models that also see images leave out most. */
const UNSAID = {
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
  vocab_size: 262_208,
  max_position_embeddings: 131_072,
  sliding_window: 4096,
  query_pre_attn_scalar: 256,
};

/** Fields that models of images and text keep beside the language model's. */
const SHARED = ['bos_token_id', 'eos_token_id', 'tie_word_embeddings', 'quantization_config'];

/** One layer in so many sees the whole text, and the others a window. */
const FULL_EVERY = 6;

/** llama.cpp tells the model of 27B by its layers: there the scale is of hidden / heads, not of the head width. */
const LAYERS_OF_27B = 62;

/**
 * Gemma 3, text only: of models that also see images the weights for images are left unread. Four norms a layer, which
 * multiply by 1 + w; GELU; five layers with a sliding window for each one without, and rotary frequencies of their own.
 *
 * Embeddings are multiplied by √hidden in f32. The original rounds that factor to the type of its weights: in bf16 it
 * is 34 where √1152 = 33.94. llama.cpp does not round it either.
 */
export const gemma3: ModelFamily = {
  modelType: 'gemma3_text',
  alsoModelTypes: ['gemma3'],
  classes: ['Gemma3ForConditionalGeneration'],
  textFields,
  defaults: { tiedEmbeddings: true, normEps: 1e-6, ropeTheta: 1_000_000 },
  attentionBias: 'configured',
  slidingWindow: 'stated',
  isSliding: (fields, layer) =>
    (layer + 1) % (fields.optionalInteger('sliding_window_pattern', 1, 1024) ?? FULL_EVERY) !== 0,
  slidingRope: { field: 'rope_local_base_freq', theta: 10_000 },
  norm: 'around',
  normOffset: 1,
  qkNorm: 'head',
  activation: 'gelu',
  attentionScale: (fields) => 1 / Math.sqrt(fields.number('query_pre_attn_scalar', 1e-3, 1e6)),
  embeddingScale: Math.sqrt,
  gguf: {
    architecture: 'gemma3',
    rotaryPairs: 'halves',
    tensors: {
      post_attention_norm: 'post_attention_layernorm',
      ffn_norm: 'pre_feedforward_layernorm',
      post_ffw_norm: 'post_feedforward_layernorm',
    },
    fields: {
      sliding_window_pattern: 'attention.sliding_window_pattern',
      rope_local_base_freq: 'rope.freq_base_swa',
      attn_logit_softcapping: 'attn_logit_softcapping',
      final_logit_softcapping: 'final_logit_softcapping',
    },
    implied: (config) => {
      const perHead = Number(config['hidden_size']) / Number(config['num_attention_heads']);
      const is27B = config['num_hidden_layers'] === LAYERS_OF_27B;
      return { query_pre_attn_scalar: is27B ? perHead : (config['head_dim'] ?? perHead) };
    },
  },
};

function textFields(fields: Fields): Fields {
  const inner = fields.optionalObject('text_config');
  const shared = inner ? Object.fromEntries(SHARED.map((name) => [name, fields.raw(name)])) : {};
  return (inner ?? fields).withDefaults({ ...UNSAID, ...shared });
}
