/**
 * A reference decoder in plain arrays and f64, one row at a time. The graphs must compute the same. It shares only the
 * rotary frequencies with them. The caller gives the distances as in the papers.
 */

import { layerOf } from '../../../src/engine/architectures/layer';
import type { Checkpoint, ModelConfig } from '../../../src/engine/checkpoint/types';
import type { RopeFrequencies } from '../../../src/engine/rope/frequencies';

type Vector = Float64Array;

/** All tensors of a tiny checkpoint, in memory. */
export interface ReferenceModel {
  config: ModelConfig;
  tensors: ReadonlyMap<string, Float32Array>;
}

/** Un-rotated keys and values of one row: [layers][kvHeads · headDim]. */
export interface ReferenceRow {
  keys: Vector[];
  values: Vector[];
}

export interface ReferenceInput {
  tokens: readonly number[];
  /** Earlier rows. They are visible like others and come first in the numbering of rows. */
  past?: readonly ReferenceRow[];
  /**
   * Distance at which row i sees row j, in all heads and layers; undefined if it does not. Rows are numbered over past
   * and new rows.
   */
  distance: (i: number, j: number) => number | undefined;
  /** Rows of which the query sees the k best in each head (LM-Infinite's middle tokens). */
  middle?: { k: number; fromLayer: number; distance: number; isMiddle: (i: number, j: number) => boolean };
  /** Changes the projections of a row before use (adapters). `input` is the layer's attention input. */
  adapt?: (layer: number, i: number, input: Vector, projected: { q: Vector; k: Vector; v: Vector }) => void;
}

export interface ReferenceOutput {
  rows: ReferenceRow[];
  /** Hidden state after the last norm, one per token. */
  hidden: Vector[];
  logits: Vector[];
}

export async function readReferenceModel({ config, tensors }: Checkpoint): Promise<ReferenceModel> {
  const all = new Map<string, Float32Array>();
  for (const name of tensors.names()) all.set(name, await tensors.readFloat32(name));
  return { config, tensors: all };
}

export function referenceForward(model: ReferenceModel, rope: RopeFrequencies, input: ReferenceInput): ReferenceOutput {
  const { config } = model;
  const past = input.past ?? [];
  const tensor = (name: string) => {
    const found = model.tensors.get(name);
    if (!found) throw new Error(`no tensor ${name}`);
    return found;
  };
  const embeddings = tensor('model.embed_tokens.weight');
  const hiddenSize = config.hiddenSize;
  const stream = input.tokens.map((token) =>
    Float64Array.from(embeddings.subarray(token * hiddenSize, (token + 1) * hiddenSize)),
  );
  const rows: ReferenceRow[] = input.tokens.map(() => ({ keys: [], values: [] }));
  const all = [...past, ...rows];

  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    const linear = (name: string, x: Vector) => {
      const bias = model.tensors.get(`${at}.${name}.bias`);
      return matrixVector(tensor(`${at}.${name}.weight`), x, bias);
    };
    const normHeads = (name: string, x: Vector) =>
      layerOf(config, layer).attention.qkNorm === 'head'
        ? byHead(x, config.headDim, (head) =>
            rmsNorm(head, tensor(`${at}.self_attn.${name}_norm.weight`), config.normEps),
          )
        : x;
    const queries = stream.map((x, t) => {
      const h = rmsNorm(x, tensor(`${at}.input_layernorm.weight`), config.normEps);
      const projected = {
        q: normHeads('q', linear('self_attn.q_proj', h)),
        k: normHeads('k', linear('self_attn.k_proj', h)),
        v: linear('self_attn.v_proj', h),
      };
      input.adapt?.(layer, past.length + t, h, projected);
      const row = rows[t] as ReferenceRow;
      row.keys.push(projected.k);
      row.values.push(projected.v);
      return projected.q;
    });
    stream.forEach((x, t) => {
      const attended = attend(config, rope, layer, past.length + t, queries[t] as Vector, all, input);
      add(x, linear('self_attn.o_proj', attended));
      const h = rmsNorm(x, tensor(`${at}.post_attention_layernorm.weight`), config.normEps);
      const up = linear('mlp.up_proj', h);
      const gated = linear('mlp.gate_proj', h).map((gate, i) => (gate / (1 + Math.exp(-gate))) * (up[i] as number));
      add(x, linear('mlp.down_proj', gated));
    });
  }

  const hidden = stream.map((x) => rmsNorm(x, tensor('model.norm.weight'), config.normEps));
  const head = tensor(config.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight');
  return { rows, hidden, logits: hidden.map((x) => matrixVector(head, x)) };
}

/** Attention of row i over all rows it sees. The query is rotated by the distance, and the keys are not rotated. */
function attend(
  config: ModelConfig,
  rope: RopeFrequencies,
  layer: number,
  i: number,
  query: Vector,
  rows: readonly ReferenceRow[],
  input: ReferenceInput,
): Vector {
  const { headDim, queryHeads, kvHeads } = config;
  const out = new Float64Array(query.length);
  for (let head = 0; head < queryHeads; head++) {
    const q = query.subarray(head * headDim, (head + 1) * headDim);
    const kvHead = Math.floor(head / (queryHeads / kvHeads));
    const part = (x: Vector) => x.subarray(kvHead * headDim, (kvHead + 1) * headDim);
    const logit = (j: number, distance: number) =>
      dot(turned(q, rope, distance), part((rows[j] as ReferenceRow).keys[layer] as Vector)) / Math.sqrt(headDim);
    const seen: { j: number; logit: number }[] = [];
    for (let j = 0; j <= i && j < rows.length; j++) {
      const distance = input.distance(i, j);
      if (distance !== undefined) seen.push({ j, logit: logit(j, distance) });
    }
    const { middle } = input;
    if (middle && layer >= middle.fromLayer) {
      const candidates: typeof seen = [];
      for (let j = 0; j < i; j++) if (middle.isMiddle(i, j)) candidates.push({ j, logit: logit(j, middle.distance) });
      seen.push(...candidates.sort((a, b) => b.logit - a.logit).slice(0, middle.k));
    }
    const most = Math.max(...seen.map((key) => key.logit));
    const total = seen.reduce((sum, key) => sum + Math.exp(key.logit - most), 0);
    for (const key of seen) {
      const weight = Math.exp(key.logit - most) / total;
      const value = part((rows[key.j] as ReferenceRow).values[layer] as Vector);
      for (let d = 0; d < headDim; d++)
        out[head * headDim + d] = (out[head * headDim + d] as number) + weight * (value[d] as number);
    }
  }
  return out;
}

/** R(distance) q in the half layout, with the rotary scale of both query and key. */
function turned(q: Vector, rope: RopeFrequencies, distance: number): Vector {
  const pairs = rope.inverse.length;
  const scale = rope.attentionScale ** 2;
  const out = Float64Array.from(q);
  for (let pair = 0; pair < pairs; pair++) {
    const angle = distance * (rope.inverse[pair] as number);
    const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
    const [a, b] = [q[pair] as number, q[pair + pairs] as number];
    out[pair] = a * cos - b * sin;
    out[pair + pairs] = b * cos + a * sin;
  }
  return out;
}

/** W x + b, W row-major [outputs, inputs]. */
export function matrixVector(weight: Float32Array, x: Vector, bias?: Float32Array): Vector {
  const outputs = weight.length / x.length;
  const y = new Float64Array(outputs);
  for (let row = 0; row < outputs; row++) {
    let sum = bias ? (bias[row] as number) : 0;
    for (let i = 0; i < x.length; i++) sum += (weight[row * x.length + i] as number) * (x[i] as number);
    y[row] = sum;
  }
  return y;
}

function rmsNorm(x: Vector, weight: Float32Array, eps: number): Vector {
  const scale = 1 / Math.sqrt(dot(x, x) / x.length + eps);
  return x.map((value, i) => value * scale * (weight[i] as number));
}

function byHead(x: Vector, headDim: number, f: (head: Vector) => Vector): Vector {
  const out = new Float64Array(x.length);
  for (let at = 0; at < x.length; at += headDim) out.set(f(x.slice(at, at + headDim)), at);
  return out;
}

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function add(into: Vector, x: Vector): void {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) + (x[i] as number);
}
