import type { ModelFamily } from './family';

/** OLMo 2: norms after attention and feed-forward, and q and k normalized over all heads together. */
export const olmo2: ModelFamily = {
  modelType: 'olmo2',
  defaults: { kvHeadsAsQueryHeads: true, normEps: 1e-5 },
  attentionBias: 'configured',
  slidingWindow: 'never',
  norm: 'after',
  qkNorm: 'projection',
  gguf: {
    architecture: 'olmo2',
    rotaryPairs: 'halves',
    tensors: { post_attention_norm: 'post_attention_layernorm', post_ffw_norm: 'post_feedforward_layernorm' },
  },
};
