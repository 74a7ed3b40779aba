import type { ModelConfig } from '../engine';

/** The dimensions of a model that determine its download size and memory. */
export type ModelShape = Pick<
  ModelConfig,
  'hiddenSize' | 'intermediateSize' | 'layers' | 'queryHeads' | 'kvHeads' | 'headDim' | 'vocabSize' | 'tiedEmbeddings'
>;

export interface CatalogueEntry {
  /** `owner/name` on the hub. */
  repository: string;
  title: string;
  /** SPDX identifier. */
  licence: string;
  /** Trained context length in tokens. */
  contextTokens: number;
  /** Its strength, in one sentence. */
  note: string;
  shape: ModelShape;
}

function shape(
  hiddenSize: number,
  intermediateSize: number,
  layers: number,
  queryHeads: number,
  kvHeads: number,
  headDim: number,
  vocabSize: number,
): ModelShape {
  return { hiddenSize, intermediateSize, layers, queryHeads, kvHeads, headDim, vocabSize, tiedEmbeddings: true };
}

/** Models below a thousand million parameters write no answers (assistant/write/pointing.ts). */
export const POINTS = 'Finds the lines that answer; answers quote them.';

/** Recommended checkpoints with open licences that run on a laptop's processor, smallest first. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    repository: 'HuggingFaceTB/SmolLM2-135M-Instruct',
    title: 'SmolLM2 135M',
    licence: 'Apache-2.0',
    contextTokens: 8192,
    note: `Fast on any machine. ${POINTS}`,
    shape: shape(576, 1536, 30, 9, 3, 64, 49152),
  },
  {
    repository: 'HuggingFaceTB/SmolLM2-360M-Instruct',
    title: 'SmolLM2 360M',
    licence: 'Apache-2.0',
    contextTokens: 8192,
    note: `Fast. ${POINTS}`,
    shape: shape(960, 2560, 32, 15, 5, 64, 49152),
  },
  {
    repository: 'Qwen/Qwen2.5-Coder-0.5B-Instruct',
    title: 'Qwen2.5 Coder 0.5B',
    licence: 'Apache-2.0',
    contextTokens: 32768,
    note: `Trained on code. ${POINTS}`,
    shape: shape(896, 4864, 24, 14, 2, 64, 151936),
  },
  {
    repository: 'Qwen/Qwen3-0.6B',
    title: 'Qwen3 0.6B',
    licence: 'Apache-2.0',
    contextTokens: 40960,
    note: `General purpose, many languages. ${POINTS}`,
    shape: shape(1024, 3072, 28, 16, 8, 128, 151936),
  },
  {
    repository: 'Qwen/Qwen2.5-Coder-1.5B-Instruct',
    title: 'Qwen2.5 Coder 1.5B',
    licence: 'Apache-2.0',
    contextTokens: 32768,
    note: 'The best answers about code at reading speed on a laptop.',
    shape: shape(1536, 8960, 28, 12, 2, 128, 151936),
  },
  {
    repository: 'Qwen/Qwen3-1.7B',
    title: 'Qwen3 1.7B',
    licence: 'Apache-2.0',
    contextTokens: 40960,
    note: 'General purpose, many languages. Needs a fast processor.',
    shape: shape(2048, 6144, 28, 16, 8, 128, 151936),
  },
];

export type WeightFormat = 'f32' | '8bit' | '4bit';

/** Number of parameters. Tied embeddings count once. */
export function parametersOf(model: ModelShape): number {
  const attention = model.hiddenSize * model.headDim * (2 * model.queryHeads + 2 * model.kvHeads);
  const feedForward = 3 * model.hiddenSize * model.intermediateSize;
  return model.layers * (attention + feedForward) + model.vocabSize * model.hiddenSize * (model.tiedEmbeddings ? 1 : 2);
}

/** The engine's default format for a model of this size. */
export function defaultFormat(model: ModelShape): WeightFormat {
  const parameters = parametersOf(model);
  if (parameters < 30e6) return 'f32';
  return parameters < 500e6 ? '8bit' : '4bit';
}

/** Download size in bytes, for 16-bit weights. Tokenizer and configuration add some megabytes. */
export function downloadBytes(model: ModelShape): number {
  return 2 * parametersOf(model) + 12e6;
}

/** Bytes per weight, with an f32 scale per block of 32. The output projection has at least 8 bits. */
const BYTES_PER_WEIGHT: Readonly<Record<WeightFormat, number>> = { f32: 4, '8bit': 1 + 4 / 32, '4bit': 0.5 + 4 / 32 };
/**
 * Bytes per weight of the second copy that prompts read. f32 needs none. With 8 bits ONNX Runtime also keeps the sum of
 * each block.
 */
const FOR_PROMPTS: Readonly<Record<WeightFormat, number>> = { f32: 0, '8bit': 1 + 8 / 32, '4bit': 1 };
/** Bytes per number in the KV cache: f16, and the 8-bit copy that single tokens read. */
const BYTES_PER_CACHED: Readonly<Record<WeightFormat, number>> = { f32: 4, '8bit': 2 + 1.125, '4bit': 2 + 1.125 };
/** Memory of ONNX Runtime, its arenas and the process. */
const RUNTIME_BYTES = 150e6;

/**
 * Memory in bytes while a context of `contextTokens` is in use: weights, embeddings (16 bit, or f32 in an f32 model),
 * KV cache and runtime.
 */
export function memoryBytes(model: ModelShape, contextTokens: number, format = defaultFormat(model)): number {
  const embeddings = model.vocabSize * model.hiddenSize;
  const projections = parametersOf(model) - embeddings;
  const cache = 2 * model.layers * model.kvHeads * model.headDim * BYTES_PER_CACHED[format] * contextTokens;
  // The output matrix is a quantized copy of tied embeddings. It has no second copy, because prompts do not read it.
  const head = model.tiedEmbeddings && format !== 'f32' ? embeddings * BYTES_PER_WEIGHT['8bit'] : 0;
  return (
    projections * (BYTES_PER_WEIGHT[format] + FOR_PROMPTS[format]) +
    embeddings * (format === 'f32' ? 4 : 2) +
    head +
    cache +
    RUNTIME_BYTES
  );
}

/** Rough memory estimate in bytes from the size of the 16-bit weights. */
export function memoryOfWeights(weightBytes: number): number {
  const parameters = weightBytes / 2;
  const format: WeightFormat = parameters < 30e6 ? 'f32' : parameters < 500e6 ? '8bit' : '4bit';
  return parameters * (BYTES_PER_WEIGHT[format] + FOR_PROMPTS[format]) * 1.3 + RUNTIME_BYTES;
}
