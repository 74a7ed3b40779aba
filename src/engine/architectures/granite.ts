import type { ModelFamily } from './family';

/** IBM Granite 3 (dense): Llama with constant factors on embeddings, attention scores, residuals and logits. */
export const granite: ModelFamily = {
  modelType: 'granite',
  defaults: { kvHeadsAsQueryHeads: true },
  attentionBias: 'configured',
  feedForwardBias: 'configured',
  slidingWindow: 'never',
  attentionScale: (fields) => fields.optionalNumber('attention_multiplier', 1e-6, 1e6) ?? 1,
  weightScales: (fields) => ({
    embeddings: fields.optionalNumber('embedding_multiplier', 1e-6, 1e6) ?? 1,
    logits: 1 / (fields.optionalNumber('logits_scaling', 1e-6, 1e6) ?? 1),
    residual: fields.optionalNumber('residual_multiplier', 1e-6, 1e6) ?? 1,
  }),
  gguf: {
    architecture: 'granite',
    rotaryPairs: 'adjacent',
    fields: {
      attention_multiplier: 'attention.scale',
      embedding_multiplier: 'embedding_scale',
      residual_multiplier: 'residual_scale',
      logits_scaling: 'logit_scale',
    },
  },
};
