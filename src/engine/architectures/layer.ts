import type { ModelConfig } from './model-config';

/**
 * How one decoder layer computes. The graphs (decoder/onnx) and the kernels (decoder/wasm) read it through `layerOf`,
 * as do the lists of tensors (layout.ts) and the readers of weights (decoder/weights.ts, decoder/memory-weights.ts).
 */
export interface LayerDescription {
  /** `before`: x + f(norm(x)), as in Llama. `after`: x + norm(f(x)), as in OLMo 2. */
  readonly norm: 'before' | 'after';
  readonly attention: {
    /** Factor of q·k before the softmax. */
    readonly scale: number;
    /** Sliding window (tokens). */
    readonly window?: number;
    /** Whether queries and keys are rotated to their positions. */
    readonly rotary: boolean;
    /** RMSNorm of q and k before the rotation: over each head (Qwen3), or over all heads together (OLMo 2). */
    readonly qkNorm: 'none' | 'head' | 'projection';
    readonly qkvBias: boolean;
    readonly outputBias: boolean;
  };
  readonly feedForward: {
    readonly activation: 'silu';
    readonly bias: boolean;
  };
}

/** Constant factors of a model that its weights can carry, so that no backend has to know them. */
export interface WeightScales {
  readonly embeddings: number;
  /** Factor of the output matrix. */
  readonly logits: number;
  /** Factor of the output of attention and feed-forward, before the residual sum. */
  readonly residual: number;
}

/** A layer that differs from Llama's only in what is given. */
export function describeLayer(
  headDim: number,
  options: {
    norm?: LayerDescription['norm'];
    attention?: Partial<LayerDescription['attention']>;
    feedForward?: Partial<LayerDescription['feedForward']>;
  } = {},
): LayerDescription {
  return {
    norm: options.norm ?? 'before',
    attention: {
      scale: 1 / Math.sqrt(headDim),
      rotary: true,
      qkNorm: 'none',
      qkvBias: false,
      outputBias: false,
      ...options.attention,
    },
    feedForward: { activation: 'silu', bias: false, ...options.feedForward },
  };
}

/** The description of a layer. @throws RangeError for a layer that the model does not have */
export function layerOf(config: Pick<ModelConfig, 'layerDescriptions'>, layer: number): LayerDescription {
  const found = config.layerDescriptions[layer];
  if (!found) throw new RangeError(`the model has ${config.layerDescriptions.length} layers, and no layer ${layer}`);
  return found;
}
