import type { ModelFamily } from './family';

/** Qwen3 (dense): heads of 128 whatever the hidden size, and q and k are normalized head by head. */
export const qwen3: ModelFamily = {
  modelType: 'qwen3',
  defaults: { headDim: 128 },
  attentionBias: 'configured',
  slidingWindow: 'switched',
  qkNorm: 'head',
  gguf: { architecture: 'qwen3', rotaryPairs: 'halves' },
};
