/**
 * Builds the decoder as an ONNX graph from a ModelConfig and the compiled weights.
 *
 * Sizes: B sequences, S new rows, P near and F far cached rows, R rows asked for, L layers, K key heads of width D.
 *
 * Inputs:
 * - tokens int64 [B, S], positions int64 [B, S] (rows of cos/sin), cos and sin f32 [angles, rotaryDim/2]; for other
 *   kinds of layers cos_1 and sin_1, and so on;
 * - past_keys_l and past_values_l [B, K, P, D] in the cache's type; with far rows far_keys_l and far_values_l [B, K, F,
 *   D];
 * - prefill: rows int64 [R] unless batched; bias f32 [B or 1, 1, S, T] unless causal;
 * - flash kernel: `last` int32 [B], rows seen by the last one, less one; `total` int32, all rows;
 * - decode: bias [1, 1, 1, T] and parts int64, the sizes of the parts of T;
 * - for layers with a window of W tokens of their own bias_W, last_W, total_W and parts_W likewise, and as many past
 *   rows as the window reaches;
 * - middle rows: their keys, values, bias and positions, and middle_parts (parts with the middle rows in front).
 *
 * Outputs:
 * - keys (rotated), raw_keys (not rotated; prefill only) and values of the new rows, [B, L, K, S, D] in the cache's
 *   type;
 * - unless batched: hidden f32 [R, C] after the last norm, and logits f32 of these rows (prefill: where the variant
 *   says so).
 */

import { layerOf, layerWindows, partNorms } from '../../architectures/layer';
import type { ModelConfig } from '../../checkpoint/types';
import { kindOfLayer } from '../../rope/frequencies';
import { rotationInput, windowInput, type GraphVariant } from './graph-variant';
import { GraphBuilder } from './graph-builder';
import { flashAttention, productAttention, splitAttention, type CachedRows, type NewRows } from './attention-nodes';
import type { CacheType, WeightFormat } from '../options';
import { Projections, type GraphFormat } from './projection';
import { slotMatrix, transferMatrix } from '../memory-weights';
import { EMBEDDING_FORMAT, embeddingMatrix, headFormat, headMatrix, layerMatrices } from '../weights';
import type { StoredTensors } from '../weight-file';

export interface GraphSpec {
  config: ModelConfig;
  stored: StoredTensors;
  weights: WeightFormat;
  cache: CacheType;
  variant: GraphVariant;
}

export function buildDecoderGraph(spec: GraphSpec): Uint8Array {
  return new DecoderGraph(spec).build();
}

class DecoderGraph {
  private readonly g: GraphBuilder;
  private readonly p: Projections;
  private readonly config: ModelConfig;
  private readonly prefill: boolean;
  private readonly dual: boolean;
  private readonly flash: boolean;
  private readonly batched: boolean;
  private readonly batch: string | number;
  private readonly steps: string | number;
  /**
   * Keys (rotated and not) and values of the new rows, by layer, [B, S, K·D]; queries (not rotated) where asked for,
   * [B, S, H·D].
   */
  private readonly made = {
    keys: [] as string[],
    raw_keys: [] as string[],
    values: [] as string[],
    queries: [] as string[],
  };

  constructor(private readonly spec: GraphSpec) {
    const { phase, visibility } = spec.variant;
    this.g = new GraphBuilder(`${phase}-${visibility}`);
    this.p = new Projections(this.g, spec.stored);
    this.config = spec.config;
    this.prefill = phase === 'prefill';
    this.dual = visibility === 'dual';
    this.batched = visibility === 'batched';
    this.flash = this.prefill && (visibility === 'causal' || visibility === 'masked');
    this.batch = this.prefill ? 'batch' : 1;
    this.steps = this.prefill ? 'steps' : 1;
  }

  build(): Uint8Array {
    const { g, config } = this;
    this.inputs();
    let stream = this.embed();
    // The last layer's output is added together with the norm that reads the sum: one fused node.
    let change: string | undefined;
    for (let layer = 0; layer < config.layers; layer++) {
      const { output } = layerMatrices(config, layer);
      const [attention, inner] = partNorms(layerOf(config, layer));
      const named = (norm: string | undefined) => (norm === undefined ? undefined : `layer${layer}.${norm}`);
      const after = (x: string, norm: string | undefined) =>
        norm === undefined ? x : this.norm(x, `layer${layer}.${norm}`);
      let input: string;
      [input, stream] = this.enter(stream, change, named(attention.before));
      const rows = this.project(layer, input);
      if (this.batched && layer === config.layers - 1) break;
      const attended = this.p.product(this.attend(layer, rows), output, this.layerFormat);
      [input, stream] = this.enter(stream, after(attended, attention.after), named(inner.before));
      change = after(this.feedForward(layer, input), inner.after);
    }
    if (!this.batched) this.finish(stream, change as string);
    this.outputRows();
    return g.build();
  }

  private inputs(): void {
    const { g } = this;
    if (this.spec.variant.slots) g.input('embeds', 'float32', [this.batch, this.steps, this.config.hiddenSize]);
    else g.input('tokens', 'int64', [this.batch, this.steps]);
    g.input('positions', 'int64', [this.batch, this.steps]);
    if (this.dual) g.input('far_positions', 'int64', [this.batch, this.steps]);
    if (this.spec.variant.middle) {
      g.input('middle_positions', 'int64', [this.batch, this.steps]);
      g.input('middle_bias', 'float32', [1, 1, 1, 'middle']);
      g.input('middle_parts', 'int64', ['middle_parts']);
    }
    const { rope } = this.config;
    [rope, ...(rope.others ?? []).map((other) => other.rope)].forEach(({ rotaryDim }, kind) => {
      for (const name of ['cos', 'sin'] as const)
        g.input(rotationInput(name, kind), 'float32', ['angles', rotaryDim / 2]);
    });
    if (this.prefill && !this.batched) g.input('rows', 'int64', ['rows']);
    for (const window of [undefined, ...layerWindows(this.config)]) this.rowInputs(window);
  }

  /** Inputs that say which rows are seen, by layers with this window or without one. */
  private rowInputs(window: number | undefined): void {
    const { g } = this;
    const name = (input: Parameters<typeof windowInput>[0]) => windowInput(input, window);
    if (this.flash) {
      g.input(name('last'), 'int32', [this.batch]);
      g.input(name('total'), 'int32', [1]);
    }
    if (!this.prefill) g.input(name('parts'), 'int64', ['parts']);
    if (this.prefill && this.spec.variant.visibility === 'causal' && window === undefined) return;
    g.input(name('bias'), 'float32', [this.prefill ? 'biases' : 1, 1, this.steps, name('seen')]);
  }

  private embed(): string {
    if (this.spec.variant.slots) return 'embeds';
    const plan = embeddingMatrix(this.config);
    const rows = this.p.rows('tokens', plan, this.spec.weights === 'f32' ? 'f32' : EMBEDDING_FORMAT);
    const { embeddingScale: scale } = this.config;
    return scale === undefined ? rows : this.g.node('Mul', [rows, this.g.float(scale)]);
  }

  /** Queries, keys and values of the new rows: projected, normalized where the layer says so, rotated. */
  private project(layer: number, x: string): NewRows {
    const { g, config } = this;
    const { queryHeads: h, kvHeads: k, headDim: d } = config;
    const qkv = this.spec.variant.slots
      ? this.p.product(x, slotMatrix(config, layer), 'f32')
      : this.p.product(x, layerMatrices(config, layer).qkv, this.layerFormat);
    let [q, key, v] = ['', '', ''];
    let rotatedQ: string;
    let rotatedK: string;
    const { qkNorm, rotary } = layerOf(config, layer).attention;
    if (qkNorm !== 'none' || !rotary) {
      [q, key, v] = g.split(qkv, [h * d, k * d, k * d], -1) as [string, string, string];
      q = this.normQueriesOrKeys(q, layer, 'q');
      key = this.normQueriesOrKeys(key, layer, 'k');
      rotatedQ = this.rotate(layer, q, h, 'positions');
      rotatedK = this.rotate(layer, key, k, 'positions');
    } else {
      // One rotation for queries and keys together: fewer nodes, and a node costs microseconds in each step.
      const [qk, value] = g.split(qkv, [(h + k) * d, k * d], -1) as [string, string];
      v = value;
      const both = this.rotate(layer, qk, h + k, 'positions');
      [rotatedQ, rotatedK] = g.split(both, [h * d, k * d], -1) as [string, string];
      if (this.prefill || this.dual) [q, key] = g.split(qk, [h * d, k * d], -1) as [string, string];
    }
    this.made.keys.push(rotatedK);
    if (this.spec.variant.slots) this.transfer(layer, x);
    else {
      if (this.prefill) this.made.raw_keys.push(key);
      if (this.spec.variant.queries) this.made.queries.push(q);
      this.made.values.push(v);
    }
    const rows: NewRows = { q: rotatedQ, k: rotatedK, v };
    if (this.dual) rows.qFar = this.rotate(layer, q, h, 'far_positions');
    if (this.seesMiddle(layer)) rows.qMiddle = this.rotate(layer, q, h, 'middle_positions');
    return rows;
  }

  /** Keys and values that memory tokens leave: their attention input through the transfer head. */
  private transfer(layer: number, x: string): void {
    const { kvHeads: k, headDim: d } = this.config;
    const [key, value] = this.g.split(
      this.p.product(x, transferMatrix(this.config, layer), 'f32'),
      [k * d, k * d],
      -1,
    ) as [string, string];
    this.made.raw_keys.push(this.normQueriesOrKeys(key, layer, 'k'));
    this.made.values.push(value);
  }

  /** RMSNorm of queries or keys, over each head or over all of them, as the layer says. */
  private normQueriesOrKeys(x: string, layer: number, kind: 'q' | 'k'): string {
    const { g, config } = this;
    const { qkNorm } = layerOf(config, layer).attention;
    const weight = `layer${layer}.${kind}Norm`;
    if (qkNorm === 'none') return x;
    if (qkNorm === 'projection') return this.norm(x, weight);
    const heads = kind === 'q' ? config.queryHeads : config.kvHeads;
    const normed = this.norm(g.reshape(x, [0, 0, heads, config.headDim]), weight);
    return g.reshape(normed, [0, 0, heads * config.headDim]);
  }

  private rotate(layer: number, x: string, heads: number, positions: string): string {
    const { config } = this;
    if (!layerOf(config, layer).attention.rotary) return x;
    const kind = kindOfLayer(config.rope, layer);
    const { rotaryDim } = config.rope.others?.[kind - 1]?.rope ?? config.rope;
    return this.g.ms('RotaryEmbedding', [x, positions, rotationInput('cos', kind), rotationInput('sin', kind)], {
      num_heads: heads,
      rotary_embedding_dim: rotaryDim === config.headDim ? 0 : rotaryDim,
    });
  }

  private attend(layer: number, rows: NewRows): string {
    const { g, config } = this;
    const { scale, window } = layerOf(config, layer).attention;
    const named = (input: Parameters<typeof windowInput>[0]) => windowInput(input, window);
    const nearKeys = this.cached(`past_keys_${layer}`, named('near'));
    const nearValues = this.cached(`past_values_${layer}`, named('near'));
    const cached: CachedRows = { nearKeys, nearValues };
    if (this.dual) {
      cached.farKeys = this.cached(`far_keys_${layer}`, 'far');
      cached.farValues = this.cached(`far_values_${layer}`, 'far');
    }
    const { middle } = this.spec.variant;
    if (middle && this.seesMiddle(layer)) {
      const part = (name: string) => this.cached(`middle_${name}_${layer}`, 'middle');
      cached.middle = { keys: part('keys'), values: part('values'), bias: 'middle_bias', k: middle.k };
    }
    const sizes = { ...config, scale };
    const bias = named('bias');
    if (!this.prefill)
      return splitAttention(g, sizes, rows, cached, bias, cached.middle ? 'middle_parts' : named('parts'));
    if (!this.flash) return productAttention(g, sizes, rows, cached, bias);
    const isHidden = window !== undefined || this.spec.variant.visibility !== 'causal';
    const lengths = { last: named('last'), total: named('total') };
    return flashAttention(g, sizes, rows, cached, lengths, isHidden ? bias : undefined);
  }

  private seesMiddle(layer: number): boolean {
    const { middle } = this.spec.variant;
    return middle !== undefined && layer >= middle.fromLayer;
  }

  private cached(name: string, rows: string): string {
    this.g.input(name, this.spec.cache, [this.batch, this.config.kvHeads, rows, this.config.headDim]);
    return this.spec.cache === 'float32' ? name : this.g.cast(name, 'float32');
  }

  /** SwiGLU: down(silu(gate x) ⊙ up x); or with GELU. */
  private feedForward(layer: number, x: string): string {
    const { g, config } = this;
    const { gateUp, down } = layerMatrices(config, layer);
    const size = config.intermediateSize;
    const [gate, up] = g.split(this.p.product(x, gateUp, this.layerFormat), [size, size], -1) as [string, string];
    const activated =
      layerOf(config, layer).feedForward.activation === 'silu'
        ? g.ms('QuickGelu', [gate], { alpha: { float: 1 } })
        : g.node('Gelu', [gate], { attributes: { approximate: 'tanh' } });
    return this.p.product(g.node('Mul', [activated, up]), down, this.layerFormat);
  }

  /** Hidden states and logits of the rows asked for only. */
  private finish(stream: string, fed: string): void {
    const { g, config } = this;
    let hidden: string;
    if (this.prefill) {
      const flat = g.reshape(g.node('Add', [stream, fed]), [-1, config.hiddenSize]);
      hidden = this.norm(g.node('Gather', [flat, 'rows']), 'norm');
    } else {
      hidden = g.reshape(this.addAndNorm(stream, fed, 'norm')[0], [1, config.hiddenSize]);
    }
    this.output('hidden', hidden, 'float32', [this.prefill ? 'rows' : 1, config.hiddenSize]);
    if (this.prefill && !this.spec.variant.logits) return;
    const logits =
      this.spec.weights === 'f32' && config.tiedEmbeddings
        ? g.ms('FusedMatMul', [hidden, this.p.weight('embeddings')], { transB: 1 })
        : this.p.product(hidden, headMatrix(config), headFormat(this.spec.weights));
    this.output('logits', logits, 'float32', [this.prefill ? 'rows' : 1, config.vocabSize]);
  }

  /** Stacks the layers' new rows: [B, S, L·K·D] → [B, L, K, S, D]; of queries there are H. */
  private outputRows(): void {
    const { g, config, spec } = this;
    const { layers, headDim } = config;
    for (const [name, parts] of Object.entries(this.made)) {
      if (parts.length === 0) continue;
      const heads = name === 'queries' ? config.queryHeads : config.kvHeads;
      let all = g.concat(parts, 2);
      if (this.prefill) all = g.transpose(g.reshape(all, [0, 0, layers * heads, headDim]), [0, 2, 1, 3]);
      if (spec.cache !== 'float32') all = g.cast(all, spec.cache);
      const shaped = g.reshape(all, [this.prefill ? 0 : 1, layers, heads, this.prefill ? -1 : 1, headDim]);
      this.output(name, shaped, spec.cache, [this.batch, layers, heads, this.steps, headDim]);
    }
  }

  private norm(x: string, weight: string): string {
    return this.g.node('SimplifiedLayerNormalization', [x, this.p.weight(weight)], {
      attributes: { axis: -1, epsilon: { float: this.config.normEps } },
    });
  }

  /** Adds a change to the stream. Returns what the next part reads, normalized where a norm is named, and the sum. */
  private enter(stream: string, change: string | undefined, norm: string | undefined): [input: string, sum: string] {
    if (norm !== undefined && change !== undefined) return this.addAndNorm(stream, change, norm);
    const sum = change === undefined ? stream : this.g.node('Add', [stream, change]);
    return [norm === undefined ? sum : this.norm(sum, norm), sum];
  }

  /** Returns [norm(a + b), a + b]. */
  private addAndNorm(a: string, b: string, weight: string): [normed: string, sum: string] {
    const id = `${weight}_of_sum`;
    const [normed, , , sum] = this.g.nodes('SkipSimplifiedLayerNormalization', [a, b, this.p.weight(weight)], {
      domain: 'com.microsoft',
      attributes: { epsilon: { float: this.config.normEps } },
      outputs: [id, '', '', `${weight}_sum`],
    });
    return [normed as string, sum as string];
  }

  private output(name: string, value: string, type: 'float32' | CacheType, shape: readonly (number | string)[]): void {
    this.g.node('Identity', [value], { outputs: [name] });
    this.g.output(name, type, shape);
  }

  /** Blocks of 4 bits are for the kernels. Graphs read the copy with rows rounded to bytes. */
  private get layerFormat(): GraphFormat {
    return this.spec.weights === '4bit' ? 'i8q' : this.spec.weights;
  }
}
