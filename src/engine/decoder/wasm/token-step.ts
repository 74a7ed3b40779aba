import { layerOf } from '../../architectures/layer';
import { encodeHalf } from '../../kv-cache/float16';
import type { RowStore } from '../../kv-cache/row-store';
import type { CacheArray } from '../../kv-cache/shape';
import type { ModelConfig } from '../../checkpoint/types';
import { kindOfLayer, rotateRows, type RotationTable } from '../../rope/frequencies';
import type { CompiledWeights } from '../compiled';
import { DecoderError } from '../errors';
import type { CacheType, WeightFormat } from '../options';
import { blocksOf } from '../quantize';
import { KernelMemory, kernelsAvailable } from './kernel-memory';
import { ACTIVATION_BLOCK_BYTES } from './layout';
import { RowAttention, type NewRowVectors, type SeenRows } from './row-attention';
import { bytesNeeded, jobsOf, padded, StepLayers, widest, type Product, type StepLayer } from './step-layers';
import { StepWeights, type RoundedFormat } from './step-weights';

export interface StepInput {
  token: number;
  /** For each kind of layers, rotations of the token's position; with far rows also of the ceiling. */
  rotations: readonly RotationTable[];
}

/** New keys (rotated) and values [layers, kvHeads, 1, headDim] in the cache's type, and logits [vocab]. */
export interface StepOutput {
  keys: CacheArray;
  values: CacheArray;
  logits: Float32Array;
}

interface StepSettings {
  config: ModelConfig;
  compiled: CompiledWeights;
  weights: RoundedFormat;
  cache: CacheType;
  threads: number;
}

type AnySettings = Omit<StepSettings, 'weights'> & { weights: WeightFormat };

/**
 * Runs one token through the model without a graph. The products are kernels that read packed weights once, at the
 * speed of memory. Attention reads a copy of the cached rows in bytes.
 *
 * A graph of the whole model spends as long on its six hundred small nodes. Its products reach a third of the memory's
 * speed. Its attention widens each cached row to f32.
 */
export class TokenStep {
  readonly #settings: StepSettings;
  readonly #memory: KernelMemory;
  readonly #source: StepWeights;
  readonly #weights: StepLayers;
  readonly #attention: RowAttention;
  /**
   * Addresses of f32 vectors: the residual stream, zeros, a normalized row, the attention output, the inner row of the
   * feed-forward.
   */
  readonly #at: Record<'stream' | 'nothing' | 'normed' | 'attended' | 'inner' | 'rounded', number>;
  readonly #row: NewRowVectors;
  #closed = false;

  /** Whether the kernels run and the model fits them. Otherwise tokens use the graph. */
  static possible<S extends AnySettings>(settings: S): settings is S & { weights: RoundedFormat } {
    const { config, weights } = settings;
    if (
      weights === 'f32' ||
      config.hiddenSize % 4 !== 0 ||
      config.intermediateSize % 4 !== 0 ||
      config.headDim % 4 !== 0 ||
      !kernelsAvailable()
    )
      return false;
    return KernelMemory.fits(bytesNeeded(config, weights), jobsOf(config));
  }

  /** Packs the weights, where that is possible. @throws RangeError when the system has no piece of memory this large */
  static open(settings: AnySettings): TokenStep | undefined {
    return TokenStep.possible(settings) ? new TokenStep(settings) : undefined;
  }

  private constructor(settings: StepSettings) {
    const { config, compiled, threads } = settings;
    const { hiddenSize, intermediateSize, queryHeads, kvHeads, headDim } = config;
    this.#settings = settings;
    this.#memory = new KernelMemory(bytesNeeded(config, settings.weights), jobsOf(config), threads);
    this.#source = new StepWeights(compiled);
    const vector = (length: number) => this.#memory.allocate(padded(length) * 4);
    this.#at = {
      stream: vector(hiddenSize),
      nothing: vector(hiddenSize),
      normed: vector(hiddenSize),
      attended: vector(queryHeads * headDim),
      inner: vector(intermediateSize),
      rounded: this.#memory.allocate(blocksOf(widest(config)) * ACTIVATION_BLOCK_BYTES),
    };
    const heads = (count: number) => new Float32Array(count * headDim);
    this.#row = { q: heads(queryHeads), qFar: heads(queryHeads), k: heads(kvHeads), v: heads(kvHeads) };
    this.#attention = new RowAttention(config, this.#memory);
    this.#weights = new StepLayers(config, settings.weights, this.#memory, this.#source, this.#at.rounded);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#memory.close();
    this.#source.close();
  }

  /** Bytes that the kernels' copies of a store's rows take. */
  bytesOf(store: RowStore): number {
    return this.#attention.bytesOf(store);
  }

  /**
   * Prepares for a token that sees these rows; `run` follows. False when memory has no room for a copy of them: then
   * the token uses the graph.
   */
  prepare(seen: SeenRows): boolean {
    try {
      this.#attention.prepare(seen);
      return true;
    } catch (cause) {
      if (cause instanceof RangeError) return false;
      throw cause;
    }
  }

  /** @param far whether far rows are seen too @throws DecoderError */
  run({ token, rotations }: StepInput, far: boolean): StepOutput {
    if (this.#closed) throw new DecoderError('closed', 'the decoder has been closed');
    const { config, cache } = this.#settings;
    const { hiddenSize, intermediateSize, layers, queryHeads, kvHeads, headDim } = config;
    const memory = this.#memory;
    const { kernels } = memory;
    const at = this.#at;
    const width = kvHeads * headDim;
    const keys = new Float32Array(layers * width);
    const values = new Float32Array(layers * width);
    this.#source.embedding(token, memory.floats(at.stream, hiddenSize), config.embeddingScale);
    let change = at.nothing;
    for (const [index, layer] of this.#weights.layers.entries()) {
      const { attentionNorms, feedForwardNorms } = layer;
      let input = this.#enter(change, attentionNorms.before);
      this.#apply(layer.qkv, input, hiddenSize);
      this.#rotate(index, layer, rotations, far);
      keys.set(this.#row.k, index * width);
      values.set(this.#row.v, index * width);
      this.#attention.run(index, this.#row, far, at.attended);
      this.#apply(layer.output, at.attended, queryHeads * headDim);
      change = this.#normed(layer.output.out, attentionNorms.after);
      input = this.#enter(change, feedForwardNorms.before);
      this.#apply(layer.gateUp, input, hiddenSize);
      const times = layer.activation === 'silu' ? kernels.siluTimes : kernels.geluTimes;
      times(layer.gateUp.out, layer.gateUp.out + 4 * intermediateSize, at.inner, intermediateSize / 4);
      this.#apply(layer.down, at.inner, intermediateSize);
      change = this.#normed(layer.down.out, feedForwardNorms.after);
    }
    const { head, norm } = this.#weights;
    this.#apply(head, this.#enter(change, norm), hiddenSize);
    const typed = (rows: Float32Array): CacheArray => (cache === 'float32' ? rows : encodeHalf(rows));
    return { keys: typed(keys), values: typed(values), logits: head.values.slice() };
  }

  /** Logits [vocab] of a row [hidden] behind the last norm. @throws DecoderError */
  logits(hidden: Float32Array): Float32Array {
    if (this.#closed) throw new DecoderError('closed', 'the decoder has been closed');
    const { hiddenSize } = this.#settings.config;
    this.#memory.floats(this.#at.normed, hiddenSize).set(hidden);
    const { head } = this.#weights;
    this.#apply(head, this.#at.normed, hiddenSize);
    return head.values.slice();
  }

  /**
   * Adds a change to the residual stream. Returns the address of the next product's input, normalized where a norm is
   * given.
   */
  #enter(change: number, norm: number | undefined): number {
    const { config } = this.#settings;
    const { stream, normed } = this.#at;
    if (norm !== undefined) {
      this.#memory.kernels.addAndNorm(stream, change, norm, normed, config.hiddenSize / 4, config.normEps);
      return normed;
    }
    const sum = this.#memory.floats(stream, config.hiddenSize);
    const added = this.#memory.floats(change, config.hiddenSize);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (added[i] as number);
    return stream;
  }

  /** Normalizes a change where a norm is given. Returns its address. */
  #normed(change: number, norm: number | undefined): number {
    if (norm === undefined) return change;
    const { config } = this.#settings;
    const { nothing, normed } = this.#at;
    this.#memory.kernels.addAndNorm(change, nothing, norm, normed, config.hiddenSize / 4, config.normEps);
    return normed;
  }

  #apply(product: Product, x: number, inputs: number): void {
    const { kernels } = this.#memory;
    const { rounded } = this.#at;
    if (product.bits === 4) kernels.round4(x, rounded, blocksOf(inputs));
    else kernels.round8(x, rounded, blocksOf(inputs));
    this.#memory.run(product.job);
    const { bias, values } = product;
    if (bias) for (let i = 0; i < bias.length; i++) values[i] = (values[i] as number) + (bias[i] as number);
  }

  /** Splits the result of qkv, normalizes queries and keys where the layer says so, and rotates them. */
  #rotate(index: number, { qkv, qNorm, kNorm }: StepLayer, rotations: readonly RotationTable[], far: boolean): void {
    const { queryHeads, kvHeads, headDim, normEps, rope } = this.#settings.config;
    const kind = kindOfLayer(rope, index);
    const table = rotations[kind] as RotationTable;
    const { q, k, v, qFar } = this.#row;
    q.set(qkv.values.subarray(0, queryHeads * headDim));
    k.set(qkv.values.subarray(queryHeads * headDim, (queryHeads + kvHeads) * headDim));
    v.set(qkv.values.subarray((queryHeads + kvHeads) * headDim));
    if (qNorm && kNorm) {
      normHeads(q, qNorm, normEps);
      normHeads(k, kNorm, normEps);
    }
    const pairs = (rope.others?.[kind - 1]?.rope ?? rope).rotaryDim / 2;
    const turn = (row: number): RotationTable => ({
      cos: table.cos.subarray(row * pairs, (row + 1) * pairs),
      sin: table.sin.subarray(row * pairs, (row + 1) * pairs),
    });
    if (far) qFar.set(q);
    if (!layerOf(this.#settings.config, index).attention.rotary) return;
    if (far) {
      rotateRows(qFar, queryHeads, headDim, turn(1));
    }
    rotateRows(q, queryHeads, headDim, turn(0));
    rotateRows(k, kvHeads, headDim, turn(0));
  }
}

/** x / √(mean of squares + epsilon) ⊙ weight for each head, in place. */
function normHeads(x: Float32Array, weight: Float32Array, epsilon: number): void {
  const size = weight.length;
  for (let from = 0; from < x.length; from += size) {
    let squares = 0;
    for (let i = 0; i < size; i++) squares += (x[from + i] as number) ** 2;
    const scale = 1 / Math.sqrt(squares / size + epsilon);
    for (let i = 0; i < size; i++) x[from + i] = (x[from + i] as number) * scale * (weight[i] as number);
  }
}
