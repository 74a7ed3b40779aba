import type { ModelConfig } from './model-config';

/**
 * How one decoder layer computes. The graphs (decoder/onnx) and the kernels (decoder/wasm) read it through `layerOf`,
 * as do the lists of tensors (layout.ts) and the readers of weights (decoder/weights.ts, decoder/memory-weights.ts).
 */
export interface LayerDescription {
  /** `before`: x + f(norm(x)), as in Llama. `after`: x + norm(f(x)), as in OLMo 2. `around`: both, as in Gemma 3. */
  readonly norm: 'before' | 'after' | 'around';
  readonly attention: {
    /** Factor of q·k before the softmax. */
    readonly scale: number;
    /**
     * Sliding window (tokens) of a layer in a model whose layers differ: no row at this distance or beyond is seen,
     * whatever the policy shows. A window that all layers share is the policy's (`ModelConfig.slidingWindow`).
     */
    readonly window?: number;
    /** Whether queries and keys are rotated to their positions. */
    readonly rotary: boolean;
    /** RMSNorm of q and k before the rotation: over each head (Qwen3), or over all heads together (OLMo 2). */
    readonly qkNorm: 'none' | 'head' | 'projection';
    readonly qkvBias: boolean;
    readonly outputBias: boolean;
  };
  readonly feedForward: {
    /** The gate's activation. `gelu` is GELU in its tanh form. */
    readonly activation: 'silu' | 'gelu';
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

/** Names of the compiled norms of one part of a layer: of what it reads, and of what it adds to the stream. */
export interface PartNorms {
  readonly before?: string;
  readonly after?: string;
}

/** The norms of a layer's attention and of its feed-forward. */
export function partNorms({ norm }: LayerDescription): readonly [attention: PartNorms, feedForward: PartNorms] {
  const of = (part: 'norm1' | 'norm2'): PartNorms =>
    norm === 'before' ? { before: part } : norm === 'after' ? { after: part } : { before: part, after: `${part}After` };
  return [of('norm1'), of('norm2')];
}

/** The windows that layers have of their own, each once, smallest first. */
export function layerWindows({ layerDescriptions }: Pick<ModelConfig, 'layerDescriptions'>): readonly number[] {
  const windows = layerDescriptions.flatMap(({ attention }) => attention.window ?? []);
  return [...new Set(windows)].sort((a, b) => a - b);
}

/** The description of a layer. @throws RangeError for a layer that the model does not have */
export function layerOf(config: Pick<ModelConfig, 'layerDescriptions'>, layer: number): LayerDescription {
  const found = config.layerDescriptions[layer];
  if (!found) throw new RangeError(`the model has ${config.layerDescriptions.length} layers, and no layer ${layer}`);
  return found;
}
