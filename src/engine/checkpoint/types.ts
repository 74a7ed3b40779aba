/**
 * What a checkpoint folder holds once it has been read and validated. `config.ts` makes a ModelConfig out of
 * `config.json`, `safetensors.ts` a TensorSource out of the weight files; the decoder sees only these types.
 */

/** A Llama-family architecture the decoder can compile. */
export type Architecture = 'llama' | 'mistral' | 'qwen2' | 'qwen3' | 'phi3';

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
      /** Whole-numbered band limits (default true). */ truncate?: boolean;
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
}

export interface ModelConfig {
  architecture: Architecture;
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  queryHeads: number;
  kvHeads: number;
  headDim: number;
  normEps: number;
  tiedEmbeddings: boolean;
  /** Bias terms of the q/k/v projections (Qwen2), of the output projection, and of the feed-forward. */
  qkvBias: boolean;
  outputBias: boolean;
  mlpBias: boolean;
  /** RMSNorm over each head of q and k before the rotation (Qwen3). */
  qkNorm: boolean;
  /** Sliding window (tokens) that the model was trained with, if its config enables one. */
  slidingWindow?: number;
  /** Positions (tokens) the config admits. */
  maxPositions: number;
  rope: RopeConfig;
  bosTokenId?: number;
  eosTokenIds: number[];
}

export type TensorDtype = 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I8' | 'U8' | 'F64' | 'BOOL';

export interface TensorInfo {
  dtype: TensorDtype;
  /** Row-major. */
  shape: readonly number[];
  /** Size on disk. */
  byteLength: number;
}

/** Weights read on demand, tensor by tensor, never a whole file at once. */
export interface TensorSource {
  names(): readonly string[];
  has(name: string): boolean;
  /** @throws CheckpointError when the tensor is absent. */
  info(name: string): TensorInfo;
  /** The tensor as f32 (converted from f16/bf16), optionally only rows [from, to) of its first dimension. */
  readFloat32(name: string, rows?: { from: number; to: number }): Promise<Float32Array>;
  close(): Promise<void>;
}

/** A checkpoint folder, validated: config, weights and what identifies them. */
export interface Checkpoint {
  readonly directory: string;
  readonly config: ModelConfig;
  readonly tensors: TensorSource;
  /**
   * sha256 (hex) over config.json and each weight file's size, header and sampled content: the key of compiled graphs.
   */
  readonly fingerprint: string;
  close(): Promise<void>;
}
