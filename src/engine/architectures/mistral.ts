import type { ModelFamily } from './family';

/** Mistral 7B and its descendants: Llama with a sliding window. llama.cpp stores it as `llama`. */
export const mistral: ModelFamily = {
  modelType: 'mistral',
  slidingWindow: 'stated',
};
