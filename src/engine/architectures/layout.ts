import { CheckpointError } from '../checkpoint/errors';
import { isWeightDtype, type TensorSource } from '../formats/tensor-source';
import { layerOf, partNorms, type LayerDescription } from './layer';
import type { ModelConfig } from './model-config';

/** The tensors of a layer's norms, in the order of their use. */
const NORMS: Readonly<Record<LayerDescription['norm'], readonly string[]>> = {
  before: ['input_layernorm', 'post_attention_layernorm'],
  after: ['post_attention_layernorm', 'post_feedforward_layernorm'],
  around: ['input_layernorm', 'post_attention_layernorm', 'pre_feedforward_layernorm', 'post_feedforward_layernorm'],
};

/** A layer's norms: the name of each compiled one and its tensor. */
export function layerNorms(
  config: ModelConfig,
  layer: number,
): readonly (readonly [compiled: string, tensor: string])[] {
  const description = layerOf(config, layer);
  const compiled = partNorms(description).flatMap(({ before, after }) => [before ?? [], after ?? []].flat());
  return compiled.map((name, i) => [name, NORMS[description.norm][i] as string] as const);
}

/** Every tensor the decoder will read, with the shape the config implies. */
export function* expectedTensors(config: ModelConfig): Generator<[name: string, shape: readonly number[]]> {
  const { hiddenSize: hidden, intermediateSize: ffn, headDim, vocabSize } = config;
  const q = config.queryHeads * headDim;
  const kv = config.kvHeads * headDim;
  yield ['model.embed_tokens.weight', [vocabSize, hidden]];
  yield ['model.norm.weight', [hidden]];
  if (!config.tiedEmbeddings) yield ['lm_head.weight', [vocabSize, hidden]];
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    const { attention, feedForward } = layerOf(config, layer);
    for (const [, norm] of layerNorms(config, layer)) yield [`${at}.${norm}.weight`, [hidden]];
    for (const [name, rows] of [
      ['q', q],
      ['k', kv],
      ['v', kv],
    ] as const) {
      yield [`${at}.self_attn.${name}_proj.weight`, [rows, hidden]];
      if (attention.qkvBias) yield [`${at}.self_attn.${name}_proj.bias`, [rows]];
    }
    yield [`${at}.self_attn.o_proj.weight`, [hidden, q]];
    if (attention.outputBias) yield [`${at}.self_attn.o_proj.bias`, [hidden]];
    if (attention.qkNorm !== 'none') {
      const perHead = attention.qkNorm === 'head';
      yield [`${at}.self_attn.q_norm.weight`, [perHead ? headDim : q]];
      yield [`${at}.self_attn.k_norm.weight`, [perHead ? headDim : kv]];
    }
    for (const name of ['gate', 'up'] as const) {
      yield [`${at}.mlp.${name}_proj.weight`, [ffn, hidden]];
      if (feedForward.bias) yield [`${at}.mlp.${name}_proj.bias`, [ffn]];
    }
    yield [`${at}.mlp.down_proj.weight`, [hidden, ffn]];
    if (feedForward.bias) yield [`${at}.mlp.down_proj.bias`, [hidden]];
  }
}

/**
 * Checks that every expected tensor is there with its shape and holds weights. A bias that the config denies is
 * refused, because leaving it out would change the model.
 *
 * @param path named in errors
 * @throws CheckpointError
 */
export function assertLayout(source: TensorSource, config: ModelConfig, path: string): void {
  for (const [name, shape] of expectedTensors(config)) {
    if (!source.has(name))
      throw new CheckpointError('missing', path, name, 'the weight files lack this tensor, which the config calls for');
    const info = source.info(name);
    if (info.shape.length !== shape.length || info.shape.some((size, i) => size !== shape[i])) {
      throw new CheckpointError(
        'mismatch',
        path,
        name,
        `has shape [${info.shape.join(', ')}], the config implies [${shape.join(', ')}]`,
      );
    }
    if (!isWeightDtype(info.dtype)) {
      throw new CheckpointError('unsupported', path, name, `has dtype ${info.dtype}, which holds no weights`);
    }
  }
  const deeper = `model.layers.${config.layers}.`;
  for (const name of source.names()) {
    if (name.startsWith(deeper))
      throw new CheckpointError('mismatch', path, name, `is a layer beyond the ${config.layers} of the config`);
    const isBias = /\.(q|k|v|o|gate|up|down|qkv|gate_up)_proj\.bias$/.test(name);
    if (isBias && !biasExpected(name, config)) {
      throw new CheckpointError(
        'mismatch',
        path,
        name,
        'is a bias that the config does not announce; leaving it out would change the model',
      );
    }
  }
}

function biasExpected(name: string, config: ModelConfig): boolean {
  const layer = /\blayers\.(\d+)\./.exec(name)?.[1];
  const { attention, feedForward } = layerOf(config, Math.min(Number(layer ?? 0), config.layers - 1));
  if (/\.(q|k|v|qkv)_proj\.bias$/.test(name)) return attention.qkvBias;
  if (name.endsWith('.o_proj.bias')) return attention.outputBias;
  return feedForward.bias;
}
