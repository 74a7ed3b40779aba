/**
 * The matrices of the graphs, each stacked from tensors of the checkpoint: q, k and v are one, gate and up another. And
 * the formats in which they are kept.
 */

import { layerOf } from '../architectures/layer';
import type { ModelConfig } from '../checkpoint/types';
import type { WeightFormat } from './options';

/** Form of a matrix product: f32, MatMulNBits, or rows rounded to bytes (i8q). */
export type MatrixFormat = WeightFormat | 'i8q';

/** A matrix [outputs, inputs] stacked from the rows of checkpoint tensors. */
export interface MatrixPlan {
  name: string;
  sources: readonly string[];
  outputs: number;
  inputs: number;
  /** Tensors whose stack is the bias [outputs]; empty for none. */
  biases: readonly string[];
}

/** The four matrices of a layer. */
export function layerMatrices(
  config: ModelConfig,
  layer: number,
): Record<'qkv' | 'output' | 'gateUp' | 'down', MatrixPlan> {
  const at = `model.layers.${layer}`;
  const attention = (name: string) => `${at}.self_attn.${name}_proj`;
  const feedForward = (name: string) => `${at}.mlp.${name}_proj`;
  const plan = (name: string, projections: string[], outputs: number, inputs: number, bias: boolean): MatrixPlan => ({
    name: `layer${layer}.${name}`,
    sources: projections.map((projection) => `${projection}.weight`),
    biases: bias ? projections.map((projection) => `${projection}.bias`) : [],
    outputs,
    inputs,
  });
  const { hiddenSize, intermediateSize, headDim, queryHeads, kvHeads } = config;
  const { attention: traits, feedForward: inner } = layerOf(config, layer);
  const qkv = ['q', 'k', 'v'].map(attention);
  return {
    qkv: plan('qkv', qkv, (queryHeads + 2 * kvHeads) * headDim, hiddenSize, traits.qkvBias),
    output: plan('output', [attention('o')], hiddenSize, queryHeads * headDim, traits.outputBias),
    gateUp: plan('gateUp', ['gate', 'up'].map(feedForward), 2 * intermediateSize, hiddenSize, inner.bias),
    down: plan('down', [feedForward('down')], hiddenSize, intermediateSize, inner.bias),
  };
}

/** The output matrix, which makes logits. */
export function headMatrix(config: ModelConfig): MatrixPlan {
  const source = config.tiedEmbeddings ? EMBEDDINGS : 'lm_head.weight';
  return { name: 'head', sources: [source], biases: [], outputs: config.vocabSize, inputs: config.hiddenSize };
}

/**
 * The embeddings in rounded weights, looked up row by row. They keep 8 bits, as the output matrix does; tied ones are
 * that matrix.
 */
export function embeddingMatrix(config: ModelConfig): MatrixPlan {
  return { ...headMatrix(config), name: 'embeddings', sources: [EMBEDDINGS] };
}

/** Format of rounded embeddings. */
export const EMBEDDING_FORMAT = '8bit';

/** Name of the embeddings in a checkpoint. */
export const EMBEDDINGS = 'model.embed_tokens.weight';

/**
 * Format in which single tokens read a layer. With 4 bits the first and the last layer keep 8, because they lose most
 * by rounding: 5 of the 5.9% of perplexity that the bundled model lost. In a deep model they weigh little.
 */
export function tokenFormat({ layers }: ModelConfig, layer: number, weights: WeightFormat): WeightFormat {
  return weights === '4bit' && (layer === 0 || layer === layers - 1) ? '8bit' : weights;
}

/**
 * Format of the output matrix: 8 bits beside layers of 4. No later layer repairs its error, and in small models it is
 * half of all weights.
 */
export function headFormat(weights: WeightFormat): Exclude<WeightFormat, '4bit'> {
  return weights === '4bit' ? '8bit' : weights;
}

/**
 * Formats in which a layer's matrices are kept. Beside 4-bit weights there is a second copy in bytes, which reads
 * prompts faster.
 */
export function layerFormats(config: ModelConfig, layer: number, weights: WeightFormat): readonly MatrixFormat[] {
  return weights === '4bit' ? [tokenFormat(config, layer, weights), 'i8q'] : [weights];
}
