/**
 * The ONNX graph of a BERT sentence encoder with weights in bytes: token ids of one text in, its vector of length 1
 * out.
 *
 * A run has one text, because the scales of the products then depend on this text alone.
 * Sizes: S tokens, C hidden size, V vocabulary.
 */
import { GraphBuilder } from '../decoder/onnx/graph-builder';
import { quantizeOutputs7 } from '../decoder/quantize';
import type { EncoderConfig } from './encoder-config';

/** Reads a tensor of the checkpoint as f32, row-major. */
export type ReadTensor = (name: string) => Promise<Float32Array>;

/** Builds the serialized model. `read` is asked for each tensor once. @throws what `read` throws */
export async function buildEncoderGraph(config: EncoderConfig, read: ReadTensor): Promise<Uint8Array> {
  const graph = new EncoderGraph(config, read);
  return graph.build();
}

class EncoderGraph {
  private readonly g = new GraphBuilder('sentence-encoder');

  constructor(
    private readonly config: EncoderConfig,
    private readonly read: ReadTensor,
  ) {}

  async build(): Promise<Uint8Array> {
    const { g, config } = this;
    const ids = g.input('ids', 'int64', [1, 'S']);
    let hidden = await this.embed(ids);
    for (let layer = 0; layer < config.layers; layer++) hidden = await this.layer(layer, hidden);
    g.output(this.pool(hidden), 'float32', [1, config.hiddenSize]);
    return g.build();
  }

  /** Word, position and segment embeddings, normalized. Words are kept in bytes with a scale a row. */
  private async embed(ids: string): Promise<string> {
    const { g, config } = this;
    const size = config.hiddenSize;
    const words = await this.read('embeddings.word_embeddings.weight');
    const levels = new Int8Array(words.length);
    const scales = new Float32Array(config.vocabSize);
    for (let row = 0; row < config.vocabSize; row++) {
      const values = words.subarray(row * size, (row + 1) * size);
      const scale = Math.fround(values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127);
      scales[row] = scale;
      if (scale > 0) for (let i = 0; i < size; i++) levels[row * size + i] = Math.round((values[i] as number) / scale);
    }
    const table = g.initializer('words', 'int8', [config.vocabSize, size], bytesOf(levels));
    const scale = g.initializer('words.scales', 'float32', [config.vocabSize, 1], bytesOf(scales));
    const word = g.node('Mul', [g.cast(g.node('Gather', [table, ids]), 'float32'), g.node('Gather', [scale, ids])]);
    // Every text is one segment of type 0, so its embedding is part of the position's.
    const positions = await this.read('embeddings.position_embeddings.weight');
    const types = await this.read('embeddings.token_type_embeddings.weight');
    const places = Float32Array.from(positions, (value, i) => value + (types[i % size] as number));
    const placeTable = g.initializer('places', 'float32', [config.maxPositions, size], bytesOf(places));
    const length = g.node('Slice', [g.node('Shape', [ids]), g.int64s([1]), g.int64s([2])]);
    const place = g.node('Slice', [placeTable, g.int64s([0]), length, g.int64s([0])]);
    return this.norm('embeddings.LayerNorm', g.node('Add', [word, place]));
  }

  /** Post-norm layer: x ← norm(x + attention(x)); x ← norm(x + W₂ gelu(W₁ x)). x [1, S, C] */
  private async layer(layer: number, x: string): Promise<string> {
    const { g, config } = this;
    const size = config.hiddenSize;
    const name = `encoder.layer.${layer}`;
    const self = `${name}.attention.self`;
    const fused = await this.product(x, [`${self}.query`, `${self}.key`, `${self}.value`], size);
    const [q, k, v] = g.split(fused, [size, size, size], -1) as [string, string, string];
    const attended = g.ms('MultiHeadAttention', [q, k, v], { num_heads: config.heads });
    const mixed = await this.product(attended, [`${name}.attention.output.dense`], size);
    const middle = await this.norm(`${name}.attention.output.LayerNorm`, g.node('Add', [x, mixed]));
    const inner = await this.product(middle, [`${name}.intermediate.dense`], size);
    const outer = await this.product(g.ms('Gelu', [inner]), [`${name}.output.dense`], config.innerSize);
    return this.norm(`${name}.output.LayerNorm`, g.node('Add', [middle, outer]));
  }

  /** Mean over the tokens, at length 1. */
  private pool(hidden: string): string {
    const { g } = this;
    const mean = g.node('ReduceMean', [hidden, g.int64s([1])], { attributes: { keepdims: 0 } });
    return g.node('LpNormalization', [mean], { attributes: { axis: -1, p: 2 }, outputs: ['vector'] });
  }

  /**
   * x · [W₁ W₂ …]ᵀ + b. The whole of x is rounded to bytes with one scale, each output of W to 7 bits with its own, and
   * the product is one of integers.
   */
  private async product(x: string, names: readonly string[], inputs: number): Promise<string> {
    const { g } = this;
    const matrices = await Promise.all(names.map((name) => this.read(`${name}.weight`)));
    const biases = await Promise.all(names.map((name) => this.read(`${name}.bias`)));
    const outputs = biases.reduce((sum, bias) => sum + bias.length, 0);
    const whole = { levels: new Int8Array(inputs * outputs), scales: new Float32Array(outputs) };
    let row = 0;
    for (const matrix of matrices) {
      quantizeOutputs7(matrix, inputs, whole, row);
      row += matrix.length / inputs;
    }
    const id = names.join('+');
    const weight = g.initializer(id, 'int8', [inputs, outputs], bytesOf(whole.levels));
    const scales = g.initializer(`${id}.scales`, 'float32', [outputs], bytesOf(whole.scales));
    const zero = g.initializer('weight_zero', 'int8', [], Uint8Array.of(0));
    const bias = g.initializer(`${id}.bias`, 'float32', [outputs], bytesOf(joined(biases)));
    return g.ms('DynamicQuantizeMatMul', [x, weight, scales, zero, bias]);
  }

  private async norm(name: string, x: string): Promise<string> {
    const { g, config } = this;
    const part = async (which: string): Promise<string> =>
      g.initializer(`${name}.${which}`, 'float32', [config.hiddenSize], bytesOf(await this.read(`${name}.${which}`)));
    return g.node('LayerNormalization', [x, await part('weight'), await part('bias')], {
      attributes: { axis: -1, epsilon: { float: config.normEpsilon } },
    });
  }
}

function bytesOf(values: Int8Array | Uint8Array | Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
