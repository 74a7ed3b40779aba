import type { ModelFamily } from './family';

/** Every so many layers one is not rotated, unless the config lists them. */
const UNROTATED_EVERY = 4;

const isRotary: NonNullable<ModelFamily['isRotary']> = (fields, layer) => {
  const listed = fields.optionalArray('no_rope_layers', 1024);
  if (listed) return listed[layer] === 1;
  const every = fields.optionalInteger('no_rope_layer_interval', 1, 1024) ?? UNROTATED_EVERY;
  return (layer + 1) % every !== 0;
};

/** SmolLM3: Llama with layers whose queries and keys are not rotated (NoPE). */
export const smollm3: ModelFamily = {
  modelType: 'smollm3',
  attentionBias: 'configured',
  feedForwardBias: 'configured',
  slidingWindow: 'switched',
  isRotary,
  // Where a window is switched on, the layers without rotation have it.
  isSliding: (fields, layer) => !isRotary(fields, layer),
  gguf: { architecture: 'smollm3', rotaryPairs: 'adjacent' },
};
