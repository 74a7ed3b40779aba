import * as ort from 'onnxruntime-node';
import { encodeHalf } from '../../cache/float16';
import type { CacheArray } from '../../cache/shape';
import type { ModelConfig } from '../../checkpoint/types';
import { rotateRows, type RotationTable } from '../../rope/frequencies';
import type { CompiledWeights } from '../compiled';
import { DecoderError } from '../errors';
import type { CacheType, WeightFormat } from '../options';
import { blocksOf, BLOCK } from '../quantize';
import { layerMatrices, headMatrix, type MatrixPlan } from '../weights';
import { attentionGraph, type AttentionVariant } from './attention-graph';
import { ACTIVATION_BLOCK_BYTES, GROUP } from './kernels';
import { KernelMemory, kernelsAvailable } from './kernel-memory';
import { packedBytes } from './packing';
import { stepMatrices, StepWeights } from './step-weights';

/** Keys and values of one layer's cached rows, as tensors over the caches. */
export interface LayerRows {
  keys: ort.Tensor;
  values: ort.Tensor;
}

export interface StepInput {
  token: number;
  /** Rotations of the token's position; with far rows also of the ceiling, and of the distance of middle rows. */
  rotations: RotationTable;
  near: readonly LayerRows[];
  bias: ort.Tensor;
  parts: ort.Tensor;
  far?: readonly LayerRows[];
  /** Layers from `fromLayer` on see the `k` best of these rows; layer l's stand at l − fromLayer. */
  middle?: { rows: readonly LayerRows[]; bias: ort.Tensor; parts: ort.Tensor; k: number; fromLayer: number };
}

/** New keys (rotated) and values [layers, kvHeads, 1, headDim] in the cache's type, and logits [vocab]. */
export interface StepOutput {
  keys: CacheArray;
  values: CacheArray;
  logits: Float32Array;
}

/** A product with its bias, and where its result is. */
interface Product {
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
  weights: '8bit' | '4bit';
  cache: CacheType;
  threads: number;
}

const padded = (length: number) => blocksOf(length) * BLOCK;

/**
 * One token through the model without a graph of it: the products are kernels that read packed weights straight through, as fast as memory gives them; attention is a
 * small graph that runs once for each layer, on the caches as they are. A graph of the whole model spends as long on its six hundred small nodes, and its
 * products reach a third of the memory's speed.
 */
export class TokenStep {
  readonly #settings: StepSettings;
  readonly #memory: KernelMemory;
  readonly #source: StepWeights;
  readonly #layers: Layer[];
  readonly #head: Product;
  readonly #norm: number;
  readonly #sessions = new Map<string, Promise<ort.InferenceSession>>();
  /** f32 vectors in the kernels' memory, at their addresses: the residual stream, zeros, a normalized row, what attention gave, the feed-forward's inner row. */
  readonly #at: Record<'stream' | 'nothing' | 'normed' | 'attended' | 'inner' | 'rounded', number>;
  /** Queries (and at the ceiling, and for middle rows), key and value of the new row, as the attention graph takes them. */
  readonly #row: Record<'q' | 'q_far' | 'q_middle' | 'k' | 'v', { values: Float32Array; tensor: ort.Tensor }>;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** Undefined where the kernels do not run, or do not fit: then tokens take the graph. */
  static open(settings: Omit<StepSettings, 'weights'> & { weights: WeightFormat }): TokenStep | undefined {
    const { config, weights } = settings;
    if (weights === 'f32' || config.hiddenSize % 4 !== 0 || config.intermediateSize % 4 !== 0 || !kernelsAvailable()) return undefined;
    const sized = { ...settings, weights };
    return KernelMemory.fits(bytesNeeded(sized), stepMatrices(config).length) ? new TokenStep(sized) : undefined;
  }

  private constructor(settings: StepSettings) {
    const { config, compiled, threads } = settings;
    const { hiddenSize, intermediateSize, queryHeads, kvHeads, headDim } = config;
    this.#settings = settings;
    this.#memory = new KernelMemory(bytesNeeded(settings), stepMatrices(config).length, threads);
    this.#source = new StepWeights(compiled);
    const vector = (length: number) => this.#memory.allocate(padded(length) * 4);
    this.#at = {
      stream: vector(hiddenSize), nothing: vector(hiddenSize), normed: vector(hiddenSize), attended: vector(queryHeads * headDim), inner: vector(intermediateSize),
      rounded: this.#memory.allocate(blocksOf(widest(config)) * ACTIVATION_BLOCK_BYTES),
    };
    const row = (heads: number) => {
      const values = new Float32Array(heads * headDim);
      return { values, tensor: new ort.Tensor('float32', values, [1, 1, values.length]) };
    };
    this.#row = { q: row(queryHeads), q_far: row(queryHeads), q_middle: row(queryHeads), k: row(kvHeads), v: row(kvHeads) };
    this.#layers = Array.from({ length: config.layers }, (_, layer) => this.#layer(layer));
    this.#norm = this.#source.vector('norm', this.#memory);
    this.#head = this.#product(headMatrix(config));
  }

  /** One token at a time; calls wait for each other. @throws DecoderError */
  async run(input: StepInput): Promise<StepOutput> {
    const turn = this.#turn.then(() => this.#run(input));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn;
    const sessions = await Promise.allSettled(this.#sessions.values());
    for (const session of sessions) if (session.status === 'fulfilled') await session.value.release();
    await this.#memory.close();
    this.#source.close();
  }

  async #run(input: StepInput): Promise<StepOutput> {
    if (this.#closed) throw new DecoderError('closed', 'the decoder has been closed');
    const { config, cache } = this.#settings;
    const { hiddenSize, intermediateSize, layers, kvHeads, headDim } = config;
    const memory = this.#memory;
    const { kernels } = memory;
    const at = this.#at;
    const width = kvHeads * headDim;
    const keys = new Float32Array(layers * width);
    const values = new Float32Array(layers * width);
    const norm = (change: number, weight: number) => kernels.addAndNorm(at.stream, change, weight, at.normed, hiddenSize / 4, config.normEps);
    this.#source.embedding(input.token, memory.floats(at.stream, hiddenSize));
    let change = at.nothing;
    for (const [index, layer] of this.#layers.entries()) {
      norm(change, layer.norm1);
      this.#apply(layer.qkv, at.normed, hiddenSize);
      this.#rotate(layer, input);
      keys.set(this.#row.k.values, index * width);
      values.set(this.#row.v.values, index * width);
      const attended = await this.#attend(index, input);
      memory.floats(at.attended, attended.length).set(attended);
      this.#apply(layer.output, at.attended, attended.length);
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

  #apply(product: Product, x: number, inputs: number): void {
    const { kernels } = this.#memory;
    const { rounded } = this.#at;
    if (this.#settings.weights === '4bit') kernels.round4(x, rounded, blocksOf(inputs));
    else kernels.round8(x, rounded, blocksOf(inputs));
    this.#memory.run(product.job);
    const { bias, values } = product;
    if (bias) for (let i = 0; i < bias.length; i++) values[i] = (values[i] as number) + (bias[i] as number);
  }

  /** Splits what qkv made, normalizes heads (Qwen3), rotates. */
  #rotate({ qkv, qNorm, kNorm }: Layer, { rotations, far, middle }: StepInput): void {
    const { queryHeads, kvHeads, headDim, normEps, rope } = this.#settings.config;
    const { q, k, v, q_far, q_middle } = this.#row;
    q.values.set(qkv.values.subarray(0, queryHeads * headDim));
    k.values.set(qkv.values.subarray(queryHeads * headDim, (queryHeads + kvHeads) * headDim));
    v.values.set(qkv.values.subarray((queryHeads + kvHeads) * headDim));
    if (qNorm && kNorm) {
      normHeads(q.values, qNorm, normEps);
      normHeads(k.values, kNorm, normEps);
    }
    const pairs = rope.rotaryDim / 2;
    const turn = (row: number): RotationTable => ({ cos: rotations.cos.subarray(row * pairs, (row + 1) * pairs), sin: rotations.sin.subarray(row * pairs, (row + 1) * pairs) });
    if (far) {
      q_far.values.set(q.values);
      rotateRows(q_far.values, queryHeads, headDim, turn(1));
    }
    if (middle) {
      q_middle.values.set(q.values);
      rotateRows(q_middle.values, queryHeads, headDim, turn(2));
    }
    rotateRows(q.values, queryHeads, headDim, turn(0));
    rotateRows(k.values, kvHeads, headDim, turn(0));
  }

  async #attend(layer: number, { near, far, middle, bias, parts }: StepInput): Promise<Float32Array> {
    const { q, q_far, q_middle, k, v } = this.#row;
    const own = near[layer] as LayerRows;
    const feeds: Record<string, ort.Tensor> = { q: q.tensor, k: k.tensor, v: v.tensor, near_keys: own.keys, near_values: own.values, bias, parts };
    const variant: AttentionVariant = { far: far !== undefined };
    if (far) Object.assign(feeds, { q_far: q_far.tensor, far_keys: far[layer]?.keys, far_values: far[layer]?.values });
    if (middle && layer >= middle.fromLayer) {
      const rows = middle.rows[layer - middle.fromLayer] as LayerRows;
      variant.middle = middle.k;
      Object.assign(feeds, { q_middle: q_middle.tensor, middle_keys: rows.keys, middle_values: rows.values, middle_bias: middle.bias, parts: middle.parts });
    }
    try {
      const session = await this.#session(variant);
      return ((await session.run(feeds, ['attended']))['attended'] as ort.Tensor).data as Float32Array;
    } catch (cause) {
      throw new DecoderError('runtime', `the model could not be run: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
  }

  #session(variant: AttentionVariant): Promise<ort.InferenceSession> {
    const { config, cache, threads } = this.#settings;
    const key = `${variant.far}:${variant.middle}`;
    let session = this.#sessions.get(key);
    if (!session) {
      session = ort.InferenceSession.create(attentionGraph(config, cache, variant), {
        intraOpNumThreads: threads,
        graphOptimizationLevel: 'all',
        logSeverityLevel: 3,
        // Its threads sleep between layers: the cores belong to the products then.
        extra: { session: { intra_op: { allow_spinning: '0' } } },
      });
      this.#sessions.set(key, session);
      session.catch(() => this.#sessions.delete(key));
    }
    return session;
  }

  #layer(layer: number): Layer {
    const { config } = this.#settings;
    const { qkv, output, gateUp, down } = layerMatrices(config, layer);
    const vector = (name: string) => this.#source.vector(`layer${layer}.${name}`, this.#memory);
    return {
      norm1: vector('norm1'),
      norm2: vector('norm2'),
      ...(config.qkNorm ? { qNorm: this.#memory.floats(vector('qNorm'), config.headDim), kNorm: this.#memory.floats(vector('kNorm'), config.headDim) } : {}),
      qkv: this.#product(qkv), output: this.#product(output), gateUp: this.#product(gateUp), down: this.#product(down),
    };
  }

  #product(plan: MatrixPlan): Product {
    const bits = this.#settings.weights === '4bit' ? 4 : 8;
    const groups = Math.ceil(plan.outputs / GROUP);
    const out = this.#memory.allocate(groups * GROUP * 4);
    const job = this.#memory.job({ bits, x: this.#at.rounded, weights: this.#source.matrix(plan, bits, this.#memory), out, groups, blocks: blocksOf(plan.inputs) });
    const bias = plan.biases.length > 0 ? this.#source.vector(`${plan.name}.bias`, this.#memory) : undefined;
    return { job, out, values: this.#memory.floats(out, plan.outputs), ...(bias === undefined ? {} : { bias: this.#memory.floats(bias, plan.outputs) }) };
  }
}

function widest({ hiddenSize, intermediateSize, queryHeads, headDim }: ModelConfig): number {
  return Math.max(hiddenSize, intermediateSize, queryHeads * headDim);
}

/** Bytes of the kernels' memory: packed matrices with their results and biases, norms, and the vectors in between; each rounded up to a cache line. */
function bytesNeeded({ config, weights }: StepSettings): number {
  const line = 64;
  const bits = weights === '4bit' ? 4 : 8;
  const matrices = stepMatrices(config).reduce((sum, { outputs, inputs }) => sum + packedBytes(outputs, inputs, bits) + 2 * (4 * outputs + line) + line, 0);
  const norms = (2 * config.layers + 1) * (4 * config.hiddenSize + line) + 2 * config.layers * (4 * config.headDim + line);
  return matrices + norms + 8 * (4 * padded(widest(config)) + line) + blocksOf(widest(config)) * ACTIVATION_BLOCK_BYTES + line;
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
