import type { ModelConfig, TensorSource } from '../checkpoint/types';

/** Storage of the projections' weights. Embeddings have 8 bits (f32 with 'f32'), norms and biases are always f32. */
export type WeightFormat = 'f32' | '8bit' | '4bit';

/** Element type of cached keys and values. */
export type CacheType = 'float32' | 'float16';

export interface DecoderOptions {
  /** Default 'auto': by size, see `chooseWeights`. */
  weights?: WeightFormat | 'auto';
  /** Default: f32 with f32 weights (exact), else f16. */
  cache?: CacheType;
  /** Folder for compiled weights, shared by all checkpoints. null keeps them in memory (tiny models, tests). */
  cacheDirectory: string | null;
  /** Told when compiled weights were damaged and are made anew. */
  onDamage?: (message: string) => void;
  /** Told the share (0 to 1) that is compiled, while a checkpoint is opened for the first time. */
  onProgress?: (share: number) => void;
  /** Threads of ONNX Runtime; default: the number of cores, at most 8. */
  threads?: number;
  /**
   * Whether the engine's own kernels read single tokens where they run; default true. Otherwise graphs of ONNX Runtime
   * read them.
   */
  kernels?: boolean;
  /**
   * Tokens per run while a prompt is read; default 256. A run cannot be interrupted, so this bounds the delay of a
   * cancel.
   */
  chunkTokens?: number;
  /** Weights of memory tokens (`memory.safetensors`), if the checkpoint has them. */
  memory?: TensorSource;
  /** Weights of a second set of memory tokens, trained for fewer tokens each (`dense_memory.safetensors`). */
  denseMemory?: TensorSource;
}

/** The dimensions of a model that decide its size. */
export type ModelShape = Pick<
  ModelConfig,
  'hiddenSize' | 'intermediateSize' | 'layers' | 'queryHeads' | 'kvHeads' | 'headDim' | 'vocabSize' | 'tiedEmbeddings'
>;

/** Parameters of the projections, embeddings counted once. */
export function parameterCount(config: ModelShape): number {
  const attention = config.hiddenSize * config.headDim * (2 * config.queryHeads + 2 * config.kvHeads);
  const feedForward = 3 * config.hiddenSize * config.intermediateSize;
  const embeddings = config.vocabSize * config.hiddenSize * (config.tiedEmbeddings ? 1 : 2);
  return config.layers * (attention + feedForward) + embeddings;
}

const BYTES_PER_WEIGHT: Readonly<Record<WeightFormat, number>> = { f32: 4, '8bit': 1 + 4 / 32, '4bit': 0.5 + 4 / 32 };

/** Bytes of weights that a single token reads: all layers and the output matrix, which has at least 8 bits. */
export function tokenBytes(config: ModelShape, weights: WeightFormat): number {
  const head = config.vocabSize * config.hiddenSize;
  const layers = parameterCount({ ...config, tiedEmbeddings: true }) - head;
  return layers * BYTES_PER_WEIGHT[weights] + head * BYTES_PER_WEIGHT[weights === 'f32' ? 'f32' : '8bit'];
}

/**
 * Chooses the format by size: f32 below 30 M parameters, 8 bits below 500 M, else 4. Small models lose more by rounding
 * and have memory to spare.
 */
export function chooseWeights(config: ModelShape): WeightFormat {
  const parameters = parameterCount(config);
  if (parameters < 30e6) return 'f32';
  return parameters < 500e6 ? '8bit' : '4bit';
}
