import type { ModelFamily } from './family';

/** Phi-3, Phi-3.5 and Phi-4-mini: q, k and v, and gate and up, each in one tensor; LongRoPE, partly rotated heads. */
export const phi3: ModelFamily = {
  modelType: 'phi3',
  defaults: { kvHeadsAsQueryHeads: true, normEps: 1e-5 },
  slidingWindow: 'stated',
  partialRotary: true,
  // Early configs call LongRoPE "su" or even "yarn".
  longropeNames: ['su', 'yarn'],
  gguf: {
    architecture: 'phi3',
    rotaryPairs: 'halves',
    tensors: { ffn_up: 'mlp.gate_up_proj' },
  },
};
