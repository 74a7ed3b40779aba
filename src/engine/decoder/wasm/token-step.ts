import { encodeHalf } from '../../kv-cache/float16';
import type { RowStore } from '../../kv-cache/row-store';
import type { CacheArray } from '../../kv-cache/shape';
import type { ModelConfig } from '../../checkpoint/types';
import { rotateRows, type RotationTable } from '../../rope/frequencies';
import type { CompiledWeights } from '../compiled';
import { DecoderError } from '../errors';
import type { CacheType, WeightFormat } from '../options';
import { blocksOf, BLOCK } from '../quantize';
import { KernelMemory, kernelsAvailable } from './kernel-memory';
import { ACTIVATION_BLOCK_BYTES, GROUP, PRODUCT } from './layout';
import { packedBytes } from './packing';
import { RowAttention, type NewRowVectors, type SeenRows } from './row-attention';
import { stepMatrices, StepWeights, type RoundedFormat, type StepMatrix } from './step-weights';

export interface StepInput {
  token: number;
  /** Rotations of the token's position; with far rows also of the ceiling. */
  rotations: RotationTable;
}

/** New keys (rotated) and values [layers, kvHeads, 1, headDim] in the cache's type, and logits [vocab]. */
export interface StepOutput {
  keys: CacheArray;
  values: CacheArray;
  logits: Float32Array;
}

/** A product with its bias, and where its result is. */
interface Product {
  bits: 4 | 8;
  job: number;
  out: number;
  values: Float32Array;
  bias?: Float32Array;
}

interface Layer {
  norm1: number;
  norm2: number;
  qNorm?: Float32Array;
  kNorm?: Float32Array;
  qkv: Product;
  output: Product;
  gateUp: Product;
  down: Product;
}

interface StepSettings {
  config: ModelConfig;
  compiled: CompiledWeights;
  weights: RoundedFormat;
  cache: CacheType;
  threads: number;
}

type AnySettings = Omit<StepSettings, 'weights'> & { weights: WeightFormat };

const padded = (length: number) => blocksOf(length) * BLOCK;

/**
 * One token through the model without a graph of it: the products are kernels that read packed weights straight
 * through, as fast as memory gives them, and attention reads a copy of the cached rows in bytes. A graph of the whole
 * model spends as long on its six hundred small nodes, its products reach a third of the memory's speed, and its
 * attention widens each cached row to f32 before it looks at it.
 */
export class TokenStep {
  readonly #settings: StepSettings;
  readonly #memory: KernelMemory;
  readonly #source: StepWeights;
  readonly #layers: Layer[];
  readonly #head: Product;
  readonly #norm: number;
  readonly #attention: RowAttention;
  /**
   * f32 vectors in the kernels' memory, at their addresses: the residual stream, zeros, a normalized row, what
   * attention gave, the feed-forward's inner row.
   */
  readonly #at: Record<'stream' | 'nothing' | 'normed' | 'attended' | 'inner' | 'rounded', number>;
  readonly #row: NewRowVectors;
  #closed = false;

  /** False where the kernels do not run, or do not fit: then tokens take the graph. */
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

  /**
   * Packs the weights; only where that is possible. @throws RangeError when the system has not so much memory in one
   * piece
   */
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
    const { layers, head } = stepMatrices(config, settings.weights);
    this.#layers = layers.map((matrices, layer) => this.#layer(layer, matrices));
    this.#norm = this.#source.vector('norm', this.#memory);
    this.#head = this.#product(head);
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
   * Makes ready for a token that sees these rows; `run` follows. False when memory has no room for a copy of them: then
   * the token takes the graph.
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
    const norm = (change: number, weight: number) =>
      kernels.addAndNorm(at.stream, change, weight, at.normed, hiddenSize / 4, config.normEps);
    this.#source.embedding(token, memory.floats(at.stream, hiddenSize));
    let change = at.nothing;
    for (const [index, layer] of this.#layers.entries()) {
      norm(change, layer.norm1);
      this.#apply(layer.qkv, at.normed, hiddenSize);
      this.#rotate(layer, rotations, far);
      keys.set(this.#row.k, index * width);
      values.set(this.#row.v, index * width);
      this.#attention.run(index, this.#row, far, at.attended);
      this.#apply(layer.output, at.attended, queryHeads * headDim);
      norm(layer.output.out, layer.norm2);
      this.#apply(layer.gateUp, at.normed, hiddenSize);
      kernels.siluTimes(layer.gateUp.out, layer.gateUp.out + 4 * intermediateSize, at.inner, intermediateSize / 4);
      this.#apply(layer.down, at.inner, intermediateSize);
      change = layer.down.out;
    }
    norm(change, this.#norm);
    this.#apply(this.#head, at.normed, hiddenSize);
    const typed = (rows: Float32Array): CacheArray => (cache === 'float32' ? rows : encodeHalf(rows));
    return { keys: typed(keys), values: typed(values), logits: this.#head.values.slice() };
  }

  /** Logits [vocab] of a row [hidden] behind the last norm. @throws DecoderError */
  logits(hidden: Float32Array): Float32Array {
    if (this.#closed) throw new DecoderError('closed', 'the decoder has been closed');
    const { hiddenSize } = this.#settings.config;
    this.#memory.floats(this.#at.normed, hiddenSize).set(hidden);
    this.#apply(this.#head, this.#at.normed, hiddenSize);
    return this.#head.values.slice();
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

  /** Splits what qkv made, normalizes heads (Qwen3), rotates. */
  #rotate({ qkv, qNorm, kNorm }: Layer, rotations: RotationTable, far: boolean): void {
    const { queryHeads, kvHeads, headDim, normEps, rope } = this.#settings.config;
    const { q, k, v, qFar } = this.#row;
    q.set(qkv.values.subarray(0, queryHeads * headDim));
    k.set(qkv.values.subarray(queryHeads * headDim, (queryHeads + kvHeads) * headDim));
    v.set(qkv.values.subarray((queryHeads + kvHeads) * headDim));
    if (qNorm && kNorm) {
      normHeads(q, qNorm, normEps);
      normHeads(k, kNorm, normEps);
    }
    const pairs = rope.rotaryDim / 2;
    const turn = (row: number): RotationTable => ({
      cos: rotations.cos.subarray(row * pairs, (row + 1) * pairs),
      sin: rotations.sin.subarray(row * pairs, (row + 1) * pairs),
    });
    if (far) {
      qFar.set(q);
      rotateRows(qFar, queryHeads, headDim, turn(1));
    }
    rotateRows(q, queryHeads, headDim, turn(0));
    rotateRows(k, kvHeads, headDim, turn(0));
  }

  #layer(layer: number, { qkv, output, gateUp, down }: ReturnType<typeof stepMatrices>['layers'][number]): Layer {
    const { config } = this.#settings;
    const vector = (name: string) => this.#source.vector(`layer${layer}.${name}`, this.#memory);
    return {
      norm1: vector('norm1'),
      norm2: vector('norm2'),
      ...(config.qkNorm
        ? {
            qNorm: this.#memory.floats(vector('qNorm'), config.headDim),
            kNorm: this.#memory.floats(vector('kNorm'), config.headDim),
          }
        : {}),
      qkv: this.#product(qkv),
      output: this.#product(output),
      gateUp: this.#product(gateUp),
      down: this.#product(down),
    };
  }

  #product(matrix: StepMatrix): Product {
    const { plan, bits } = matrix;
    const groups = Math.ceil(plan.outputs / GROUP);
    const out = this.#memory.allocate(groups * GROUP * 4);
    const weights = this.#source.matrix(matrix, this.#memory);
    const job = this.#memory.job(bits, groups, [
      [PRODUCT.x, this.#at.rounded],
      [PRODUCT.weights, weights],
      [PRODUCT.out, out],
      [PRODUCT.blocks, blocksOf(plan.inputs)],
    ]);
    const bias = plan.biases.length > 0 ? this.#source.vector(`${plan.name}.bias`, this.#memory) : undefined;
    return {
      bits,
      job,
      out,
      values: this.#memory.floats(out, plan.outputs),
      ...(bias === undefined ? {} : { bias: this.#memory.floats(bias, plan.outputs) }),
    };
  }
}

/** All products, and attention. */
const jobsOf = (config: ModelConfig): number => 4 * config.layers + 2;

function allMatrices(config: ModelConfig, weights: RoundedFormat): StepMatrix[] {
  const { layers, head } = stepMatrices(config, weights);
  return [...layers.flatMap((layer) => Object.values(layer)), head];
}

function widest({ hiddenSize, intermediateSize, queryHeads, headDim }: ModelConfig): number {
  return Math.max(hiddenSize, intermediateSize, queryHeads * headDim);
}

/**
 * Bytes of the kernels' memory: packed matrices with their results and biases, norms, and the vectors in between; each
 * rounded up to a cache line.
 */
function bytesNeeded(config: ModelConfig, weights: RoundedFormat): number {
  const line = 64;
  const matrices = allMatrices(config, weights).reduce(
    (sum, { plan: { outputs, inputs }, bits }) =>
      sum + packedBytes(outputs, inputs, bits) + 2 * (4 * outputs + line) + line,
    0,
  );
  const norms =
    (2 * config.layers + 1) * (4 * config.hiddenSize + line) + 2 * config.layers * (4 * config.headDim + line);
  return (
    matrices +
    norms +
    8 * (4 * padded(widest(config)) + line) +
    blocksOf(widest(config)) * ACTIVATION_BLOCK_BYTES +
    line
  );
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
