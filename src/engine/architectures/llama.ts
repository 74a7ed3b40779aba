import type { ModelFamily } from './family';

/** Llama 1 to 3, and models of its form: SmolLM and SmolLM2, TinyLlama, Vicuna, Mistral's GGUF files. */
export const llama: ModelFamily = {
  modelType: 'llama',
  defaults: { kvHeadsAsQueryHeads: true },
  attentionBias: 'configured',
  feedForwardBias: 'configured',
  slidingWindow: 'never',
  gguf: { architecture: 'llama', rotaryPairs: 'adjacent' },
};
