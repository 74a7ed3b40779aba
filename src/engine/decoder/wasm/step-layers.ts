import { layerOf, partNorms, type LayerDescription } from '../../architectures/layer';
import type { ModelConfig } from '../../architectures/model-config';
import { blocksOf, BLOCK } from '../quantize';
import type { KernelMemory } from './kernel-memory';
import { ACTIVATION_BLOCK_BYTES, GROUP, PRODUCT } from './layout';
import { packedBytes } from './packing';
import { STAGED_BYTES, stepMatrices, type RoundedFormat, type StepMatrix, type StepWeights } from './step-weights';

/** A matrix product with its bias, and the place of its result. */
export interface Product {
  bits: 4 | 8;
  job: number;
  out: number;
  values: Float32Array;
  bias?: Float32Array;
}

/** Addresses of the norms of a part of a layer: of what it reads, and of what it adds to the stream. */
export interface StepNorms {
  before?: number;
  after?: number;
}

/** The packed weights of a layer. */
export interface StepLayer {
  attentionNorms: StepNorms;
  feedForwardNorms: StepNorms;
  activation: LayerDescription['feedForward']['activation'];
  qNorm?: Float32Array;
  kNorm?: Float32Array;
  qkv: Product;
  output: Product;
  gateUp: Product;
  down: Product;
}

/** Packs the model's matrices into the kernels' memory and sets up a job for each. */
export class StepLayers {
  readonly layers: readonly StepLayer[];
  readonly head: Product;
  /** Address of the last norm. */
  readonly norm: number;

  /** @param rounded address of the activations that the products read */
  constructor(
    private readonly config: ModelConfig,
    weights: RoundedFormat,
    private readonly memory: KernelMemory,
    private readonly source: StepWeights,
    private readonly rounded: number,
  ) {
    const { layers, head } = stepMatrices(config, weights);
    this.layers = layers.map((matrices, layer) => this.layer(layer, matrices));
    this.norm = source.vector('norm', memory);
    this.head = this.product(head);
  }

  private layer(
    layer: number,
    { qkv, output, gateUp, down }: ReturnType<typeof stepMatrices>['layers'][number],
  ): StepLayer {
    const { config, memory } = this;
    const vector = (name: string) => this.source.vector(`layer${layer}.${name}`, memory);
    const description = layerOf(config, layer);
    const { qkNorm } = description.attention;
    const heads = (count: number) => (qkNorm === 'head' ? 1 : count) * config.headDim;
    const [attentionNorms, feedForwardNorms] = partNorms(description).map(({ before, after }): StepNorms => ({
      ...(before === undefined ? {} : { before: vector(before) }),
      ...(after === undefined ? {} : { after: vector(after) }),
    })) as [StepNorms, StepNorms];
    return {
      attentionNorms,
      feedForwardNorms,
      activation: description.feedForward.activation,
      ...(qkNorm === 'none'
        ? {}
        : {
            qNorm: memory.floats(vector('qNorm'), heads(config.queryHeads)),
            kNorm: memory.floats(vector('kNorm'), heads(config.kvHeads)),
          }),
      qkv: this.product(qkv),
      output: this.product(output),
      gateUp: this.product(gateUp),
      down: this.product(down),
    };
  }

  private product(matrix: StepMatrix): Product {
    const { memory, source } = this;
    const { plan, bits } = matrix;
    const groups = Math.ceil(plan.outputs / GROUP);
    const out = memory.allocate(groups * GROUP * 4);
    const weights = source.matrix(matrix, memory);
    const job = memory.job(bits, groups, [
      [PRODUCT.x, this.rounded],
      [PRODUCT.weights, weights],
      [PRODUCT.out, out],
      [PRODUCT.blocks, blocksOf(plan.inputs)],
    ]);
    const bias = plan.biases.length > 0 ? source.vector(`${plan.name}.bias`, memory) : undefined;
    return {
      bits,
      job,
      out,
      values: memory.floats(out, plan.outputs),
      ...(bias === undefined ? {} : { bias: memory.floats(bias, plan.outputs) }),
    };
  }
}

/** Jobs of all products, and of attention. */
export const jobsOf = (config: ModelConfig): number => 4 * config.layers + 2;

/** Floats of a vector that is filled up to whole blocks. */
export const padded = (length: number): number => blocksOf(length) * BLOCK;

/** The longest vector that a product reads. */
export function widest({ hiddenSize, intermediateSize, queryHeads, headDim }: ModelConfig): number {
  return Math.max(hiddenSize, intermediateSize, queryHeads * headDim);
}

/**
 * Bytes of the kernels' memory: packed matrices with their results and biases, norms, and the vectors in between; each
 * rounded up to a cache line.
 */
export function bytesNeeded(config: ModelConfig, weights: RoundedFormat): number {
  const line = 64;
  const { layers, head } = stepMatrices(config, weights);
  const matrices = [...layers.flatMap((layer) => Object.values(layer)), head].reduce(
    (sum, { plan: { outputs, inputs }, bits }) =>
      sum + packedBytes(outputs, inputs, bits) + 2 * (4 * outputs + line) + line,
    0,
  );
  const headNorms = layers.reduce((sum, _, layer) => {
    const { qkNorm } = layerOf(config, layer).attention;
    const floats = qkNorm === 'projection' ? (config.queryHeads + config.kvHeads) * config.headDim : 2 * config.headDim;
    return sum + 4 * floats + 2 * line;
  }, 0);
  const normsOf = (_: unknown, layer: number) => (layerOf(config, layer).norm === 'around' ? 4 : 2);
  const count = layers.map(normsOf).reduce((sum: number, own) => sum + own, 1);
  const norms = count * (4 * config.hiddenSize + line) + headNorms;
  const vectors = 8 * (4 * padded(widest(config)) + line);
  return STAGED_BYTES * 1.25 + matrices + norms + vectors + blocksOf(widest(config)) * ACTIVATION_BLOCK_BYTES + line;
}
