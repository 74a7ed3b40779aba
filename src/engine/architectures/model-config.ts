import type { LayerDescription, WeightScales } from './layer';

/** How the rotary frequencies are scaled beyond the trained window. Factors have length headDim/2, fastest first. */
export type RopeScaling =
  | { type: 'default' }
  | { type: 'linear'; factor: number }
  | { type: 'ntk'; factor: number }
  | { type: 'dynamic'; factor: number }
  | {
      type: 'yarn';
      factor: number;
      betaFast: number;
      betaSlow: number;
      attentionFactor?: number;
      mscale?: number;
      mscaleAllDim?: number;
      /** Whole-numbered band limits (default true). */
      truncate?: boolean;
    }
  | { type: 'llama3'; factor: number; lowFreqFactor: number; highFreqFactor: number }
  | {
      type: 'longrope';
      factor: number;
      shortFactors: Float64Array;
      longFactors: Float64Array;
      attentionFactor?: number;
      /** Scale of cos and sin while the short factors are in use; the same as with the long ones unless given. */
      shortAttentionFactor?: number;
    };

export interface RopeConfig {
  /** Base of the geometric series of frequencies. */
  theta: number;
  /** Rotated width of a head; smaller than headDim for partial rotary models. Even. */
  rotaryDim: number;
  /** The window (tokens) the frequencies were trained on. */
  originalMaxPositions: number;
  scaling: RopeScaling;
  /** Layers whose queries and keys are not rotated (SmolLM3). */
  unrotatedLayers?: readonly number[];
  /** Layers that are rotated by frequencies of their own (sliding layers of Gemma 3). */
  others?: readonly { layers: readonly number[]; rope: Omit<RopeConfig, 'unrotatedLayers' | 'others'> }[];
}

/** Sizes and layers of a decoder, from `config.json` or from GGUF metadata. */
export interface ModelConfig {
  /** Name of the model family, as `model_type` of config.json. */
  architecture: string;
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  /** Number of layers. */
  layers: number;
  queryHeads: number;
  kvHeads: number;
  headDim: number;
  normEps: number;
  /** The output matrix is the embedding matrix. */
  tiedEmbeddings: boolean;
  /** How each layer computes; both backends read it. Length `layers`. */
  layerDescriptions: readonly LayerDescription[];
  /** Factors that are multiplied into the weights as they are read (Granite). */
  weightScales?: WeightScales;
  /** Factor of the embeddings as they enter the first layer; a tied output matrix goes without it (Gemma). */
  embeddingScale?: number;
  /** Added to the stored weights of all norms (Gemma 3 in safetensors: norms multiply by 1 + w). */
  normOffset?: number;
  /** The window (tokens) that all layers share. Where layers differ it is in their descriptions. */
  slidingWindow?: number;
  /** Positions (tokens) the config admits. */
  maxPositions: number;
  rope: RopeConfig;
  bosTokenId?: number;
  eosTokenIds: number[];
}
