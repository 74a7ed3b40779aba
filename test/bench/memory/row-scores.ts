/**
 * Published scores of the rows of a segment, made before any question is known. Rows stand for a token in all layers
 * and heads here, so the scores of heads are put together.
 */
import type { KvRows } from '../../../src/engine';
import { decodeHalf } from '../../../src/engine/kv-cache/float16';
import { rotateRows, rotationTable, type RopeFrequencies } from '../../../src/engine/rope/frequencies';

export interface ScoredSegment {
  rows: KvRows;
  /** Queries [layers, queryHeads, count, headDim], not rotated. */
  queries: Float32Array;
  queryHeads: number;
  rope: RopeFrequencies;
}

/** Positions after the segment over which Expected Attention averages the rotation of future queries. */
const FUTURE = 64;

/**
 * KVzip (2505.23416): the largest attention weight that a row gets while the segment is read again behind itself.
 * Summed over layers, of the largest over heads and tokens.
 *
 * @param segment with the queries of the second reading
 */
export function repeatedReading({ rows, queries, queryHeads, rope }: ScoredSegment): number[] {
  const { layers, headDim } = rows.shape;
  const keys = rotated(floats(rows.keys), rows, rope);
  const count = queries.length / (layers * queryHeads * headDim);
  const own = queries.slice();
  // The second reading stands behind the first.
  const table = rotationTable(
    rope,
    Array.from({ length: count }, (_, i) => rows.rows + i),
  );
  const size = count * headDim;
  for (let head = 0; head < layers * queryHeads; head++)
    rotateRows(own.subarray(head * size, (head + 1) * size), 1, headDim, table);
  return sumOverLayers(rows, queryHeads, (head, kv) => {
    const largest = new Array<number>(rows.rows).fill(0);
    for (let token = 0; token < count; token++) {
      const query = own.subarray((head * count + token) * headDim, (head * count + token + 1) * headDim);
      shares(logits(keys, kv, rows, query)).forEach((share, row) => {
        if (share > (largest[row] as number)) largest[row] = share;
      });
    }
    return largest;
  });
}

/**
 * Expected Attention (2510.00636): the weight that a query drawn from the segment's own distribution gives a row in
 * expectation, exp(μᵀk/√d + kᵀΣk/2d), times the length of its value. Σ is taken as diagonal; μ is the mean query
 * rotated over the positions that follow.
 */
export function expectedAttention({ rows, queries, queryHeads, rope }: ScoredSegment): number[] {
  const { layers, headDim } = rows.shape;
  const keys = rotated(floats(rows.keys), rows, rope);
  const values = floats(rows.values);
  const count = queries.length / (layers * queryHeads * headDim);
  return sumOverLayers(rows, queryHeads, (head, kv) => {
    const mean = new Float64Array(headDim);
    const square = new Float64Array(headDim);
    const query = new Float32Array(headDim);
    for (let token = 0; token < count; token++) {
      for (let ahead = 0; ahead < FUTURE; ahead += 16) {
        query.set(queries.subarray((head * count + token) * headDim, (head * count + token + 1) * headDim));
        rotateRows(query, 1, headDim, rotationTable(rope, [rows.rows + ahead]));
        query.forEach((x, d) => {
          mean[d] = (mean[d] as number) + x;
          square[d] = (square[d] as number) + x * x;
        });
      }
    }
    const n = count * (FUTURE / 16);
    const scores = Array.from({ length: rows.rows }, (_, row) => {
      let [linear, quadratic, length] = [0, 0, 0];
      for (let d = 0; d < headDim; d++) {
        const key = keys[(kv * rows.rows + row) * headDim + d] as number;
        const mu = (mean[d] as number) / n;
        linear += mu * key;
        quadratic += key * key * ((square[d] as number) / n - mu * mu);
        length += (values[(kv * rows.rows + row) * headDim + d] as number) ** 2;
      }
      return { logit: linear / Math.sqrt(headDim) + quadratic / (2 * headDim), length: Math.sqrt(length) };
    });
    const weights = shares(scores.map(({ logit }) => logit));
    return scores.map(({ length }, row) => (weights[row] as number) * length);
  });
}

/** Adds up layers the largest over the heads of a layer. */
function sumOverLayers(
  { shape, rows }: KvRows,
  queryHeads: number,
  ofHead: (head: number, kv: number) => readonly number[],
): number[] {
  const sum = new Array<number>(rows).fill(0);
  for (let layer = 0; layer < shape.layers; layer++) {
    const largest = new Array<number>(rows).fill(0);
    for (let h = 0; h < queryHeads; h++) {
      const kv = layer * shape.kvHeads + Math.floor(h / (queryHeads / shape.kvHeads));
      ofHead(layer * queryHeads + h, kv).forEach((value, row) => {
        largest[row] = Math.max(largest[row] as number, value);
      });
    }
    largest.forEach((value, row) => (sum[row] = (sum[row] as number) + value));
  }
  return sum;
}

function rotated(keys: Float32Array, { shape, rows, positions }: KvRows, rope: RopeFrequencies): Float32Array {
  const table = rotationTable(rope, positions);
  const size = rows * shape.headDim;
  for (let head = 0; head < shape.layers * shape.kvHeads; head++)
    rotateRows(keys.subarray(head * size, (head + 1) * size), 1, shape.headDim, table);
  return keys;
}

function logits(keys: Float32Array, kv: number, { rows, shape }: KvRows, query: Float32Array): number[] {
  const { headDim } = shape;
  return Array.from({ length: rows }, (_, row) => {
    let score = 0;
    for (let d = 0; d < headDim; d++) score += (query[d] as number) * (keys[(kv * rows + row) * headDim + d] as number);
    return score / Math.sqrt(headDim);
  });
}

function shares(scores: readonly number[]): number[] {
  const highest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - highest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

const floats = (values: KvRows['keys']): Float32Array =>
  values instanceof Float32Array ? values.slice() : decodeHalf(values);
