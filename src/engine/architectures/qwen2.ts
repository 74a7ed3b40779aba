import type { ModelFamily } from './family';

/** Qwen1.5, Qwen2 and Qwen2.5: biases on q, k and v; the sliding window of the config is off unless switched on. */
export const qwen2: ModelFamily = {
  modelType: 'qwen2',
  attentionBias: 'projections',
  slidingWindow: 'switched',
  gguf: { architecture: 'qwen2', rotaryPairs: 'halves' },
};
