/**
 * Forms of attention in a graph. Prompts use a flash kernel. Single tokens use separate products over cached and new
 * rows, without a copy of the cache. Everything else uses plain products.
 *
 * Sizes: B sequences, S new rows, H query and K key heads of width D, G = H/K, P cached rows ("near": keys rotated to
 * their positions), F cached rows seen at the ceiling ("far"), T all rows.
 */

import { HIDDEN } from '../../attention/policy';
import type { ModelConfig } from '../../checkpoint/types';
import type { GraphBuilder } from './graph-builder';

/** Queries, keys and values of the new rows of one layer, rotated, [B, S, heads · D]. */
export interface NewRows {
  q: string;
  /** Queries rotated to the ceiling distance, for far rows. */
  qFar?: string;
  /** Queries rotated to the distance of middle rows. */
  qMiddle?: string;
  k: string;
  v: string;
}

/** Cached rows of one layer, f32, [B, K, rows, D]. */
export interface CachedRows {
  nearKeys: string;
  nearValues: string;
  farKeys?: string;
  farValues?: string;
  /** Rows among which each head sees the `k` best; `bias` [1, 1, 1, rows] hides empty slots. */
  middle?: { keys: string; values: string; bias: string; k: number };
}

/** Sizes of the attention, and the factor of its scores. */
export interface AttentionSizes extends Pick<ModelConfig, 'queryHeads' | 'kvHeads' | 'headDim'> {
  scale: number;
}

const scaleOf = ({ scale }: AttentionSizes) => ({ float: scale });

/**
 * GroupQueryAttention for one sequence (the kernel takes a cache for one only), new rows after cached ones, causal in
 * that order. `bias` [1, 1, S, P + S] hides other rows. Returns [B, S, H · D].
 */
export function flashAttention(
  g: GraphBuilder,
  config: AttentionSizes,
  rows: NewRows,
  cached: CachedRows,
  lengths: { last: string; total: string },
  bias?: string,
): string {
  const inputs = [rows.q, rows.k, rows.v, cached.nearKeys, cached.nearValues, lengths.last, lengths.total];
  if (bias !== undefined) inputs.push('', '', '', bias);
  const [out] = g.nodes('GroupQueryAttention', inputs, {
    domain: 'com.microsoft',
    attributes: { num_heads: config.queryHeads, kv_num_heads: config.kvHeads, scale: scaleOf(config) },
    outputs: 3,
  });
  return out as string;
}

/**
 * Attention of one new row: the scores of the parts meet only in the softmax. bias [1, 1, 1, T]; parts: the sizes [M,]
 * [F,] P, 1.
 */
export function splitAttention(
  g: GraphBuilder,
  config: AttentionSizes,
  rows: NewRows,
  cached: CachedRows,
  bias: string,
  parts: string,
): string {
  const { kvHeads: k, headDim: d, queryHeads: h } = config;
  const heads = (x: string, perGroup: number) => g.reshape(x, [1, k, perGroup, d]);
  const q = heads(rows.q, h / k);
  const keys = [cached.nearKeys, heads(rows.k, 1)];
  const values = [cached.nearValues, heads(rows.v, 1)];
  const scores = keys.map((key) => score(g, config, q, key));
  if (rows.qFar !== undefined && cached.farKeys !== undefined && cached.farValues !== undefined) {
    scores.unshift(score(g, config, heads(rows.qFar, h / k), cached.farKeys));
    values.unshift(cached.farValues);
  }
  let biased = g.node('Add', [g.concat(scores, -1), bias]);
  if (rows.qMiddle !== undefined && cached.middle) {
    const middle = bestRows(
      g,
      g.node('Add', [score(g, config, heads(rows.qMiddle, h / k), cached.middle.keys), cached.middle.bias]),
      cached.middle.k,
    );
    biased = g.concat([middle, biased], -1);
    values.unshift(cached.middle.values);
  }
  const weights = g.node('Softmax', [biased], { attributes: { axis: -1 } });
  const shares = g.nodes('Split', [weights, parts], { attributes: { axis: -1 }, outputs: values.length });
  const outs = values.map((value, i) => g.node('MatMul', [shares[i] as string, value]));
  return g.reshape(
    outs.reduce((sum, out) => g.node('Add', [sum, out])),
    [1, 1, h * d],
  );
}

/**
 * Attention of any number of new rows and sequences, by plain products. Far rows are scored by the second rotation of
 * the query, and precede the others in one softmax. bias [B or 1, 1, S, T], T = F + P + S.
 */
export function productAttention(
  g: GraphBuilder,
  config: AttentionSizes,
  rows: NewRows,
  cached: CachedRows,
  bias: string,
): string {
  const { kvHeads: k, headDim: d, queryHeads: h } = config;
  const byHead = (x: string, count: number) => g.transpose(g.reshape(x, [0, 0, count, d]), [0, 2, 1, 3]);
  // [B, H, S, D] → [B, K, G·S, D]: the queries of a group are rows against its one key head.
  const q = (x: string) => g.reshape(byHead(x, h), [0, k, -1, d]);
  const nearKeys = g.concat([cached.nearKeys, byHead(rows.k, k)], 2);
  const values = [cached.nearValues, byHead(rows.v, k)];
  let scores = score(g, config, q(rows.q), nearKeys);
  if (rows.qFar !== undefined && cached.farKeys !== undefined && cached.farValues !== undefined) {
    scores = g.concat([score(g, config, q(rows.qFar), cached.farKeys), scores], -1);
    values.unshift(cached.farValues);
  }
  // The bias is one for all heads: [B, H, S, T] + [B, 1, S, T].
  const grouped = g.node('Shape', [scores]);
  const queries = g.node('Slice', [g.node('Shape', [bias]), g.int64s([2]), g.int64s([4])]);
  const byQuery = g.concat([g.int64s([0]), g.int64s([h]), queries], 0);
  const biased = g.node('Add', [g.node('Reshape', [scores, byQuery]), bias]);
  const weights = g.node('Reshape', [g.node('Softmax', [biased], { attributes: { axis: -1 } }), grouped]);
  const out = g.node('MatMul', [weights, g.concat(values, 2)]);
  return g.reshape(g.transpose(g.reshape(out, [0, h, -1, d]), [0, 2, 1, 3]), [0, 0, h * d]);
}

/** [B, K, rows, D] × [B, K, cached, D]ᵀ · scale */
function score(g: GraphBuilder, config: AttentionSizes, q: string, keys: string): string {
  return g.ms('FusedMatMul', [q, keys], { transB: 1, alpha: scaleOf(config) });
}

/** Hides all but the k largest scores of each head. */
function bestRows(g: GraphBuilder, scores: string, k: number): string {
  const [best] = g.nodes('TopK', [scores, g.int64s([k])], { attributes: { axis: -1, sorted: 1 }, outputs: 2 });
  const least = g.node('Slice', [best as string, g.int64s([k - 1]), g.int64s([k]), g.int64s([-1])]);
  return g.node('Where', [g.node('GreaterOrEqual', [scores, least]), scores, g.float(HIDDEN)]);
}
