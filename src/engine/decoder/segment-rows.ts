import { decodeHalf } from '../kv-cache/float16';
import { KvRows } from '../kv-cache/kv-rows';
import { placeKeys } from '../kv-cache/rotation';
import { newCacheArray, type CacheArray, type RowShape } from '../kv-cache/shape';
import type { ModelConfig } from '../checkpoint/types';
import { rotationTables, type RopeFrequencies } from '../rope/frequencies';
import { rotationInput } from './onnx/graph-variant';
import { cacheTensor, float32, int64, type Feeds } from './runtime';

/** Keys and values of cached rows: [layers, B, kvHeads, rows, headDim]; the prefix has no B. */
export interface PastRows {
  keys: CacheArray;
  values: CacheArray;
}

/**
 * Shared parts of the passes over segments: the prefix at its positions, the inputs that place rows, and the selection
 * of outputs.
 */
export class SegmentRows {
  readonly shape: RowShape;
  readonly prefixRows: number;
  /** The prefix at its positions; undefined when there is none. */
  readonly prefix: PastRows | undefined;

  constructor(
    private readonly config: ModelConfig,
    type: RowShape['type'],
    private readonly rope: RopeFrequencies,
    prefix: KvRows | undefined,
  ) {
    const { layers, kvHeads, headDim } = config;
    this.shape = { layers, kvHeads, headDim, type };
    this.prefixRows = prefix?.rows ?? 0;
    this.prefix = prefix && this.prefixRows > 0 ? this.#place(prefix) : undefined;
  }

  /**
   * Inputs of all passes, in which the last layer does not attend. New rows follow each other behind the prefix, or
   * with `cover` are this many tokens behind it.
   */
  feeds(
    batch: number,
    steps: number,
    past: PastRows | undefined,
    pastRows: number,
    cover?: readonly (readonly number[])[],
  ): Feeds {
    const { layers, kvHeads, headDim } = this.config;
    const { rope } = this;
    const places = Array.from({ length: batch * steps }, (_, i) =>
      cover ? (cover[Math.floor(i / steps)]?.[i % steps] ?? 0) : i % steps,
    );
    const angles = Array.from({ length: Math.max(...places) + 1 }, (_, i) => this.prefixRows + i);
    const slots = slotsFor(pastRows);
    const feeds: Feeds = {
      positions: int64(places, [batch, steps]),
    };
    rotationTables(rope, angles).forEach((table, kind) => {
      for (const name of ['cos', 'sin'] as const)
        feeds[rotationInput(name, kind)] = float32(table[name], [angles.length, table[name].length / angles.length]);
    });
    const size = kvHeads * slots * headDim;
    const shared = past !== undefined && past === this.prefix;
    for (let layer = 0; layer < layers - 1; layer++) {
      for (const name of ['keys', 'values'] as const) {
        const source = past?.[name];
        const from = layer * size * (shared ? 1 : batch);
        const part =
          source?.subarray(from, from + size * (shared ? 1 : batch)) ?? newCacheArray(this.shape.type, batch * size);
        feeds[`past_${name}_${layer}`] = cacheTensor(shared ? repeated(part, batch, this.shape.type) : part, [
          batch,
          kvHeads,
          slots,
          headDim,
        ]);
      }
    }
    return feeds;
  }

  /** Prefix and new rows [B, L, K, steps, D] as the cache of the next pass: [L, B, K, prefix + steps, D]. */
  behindPrefix({ keys, values }: PastRows, batch: number, steps: number): PastRows {
    const { layers, kvHeads, headDim, type } = this.shape;
    const rows = this.prefixRows + steps;
    const joined = (own: CacheArray, prefix: CacheArray | undefined): CacheArray => {
      const out = newCacheArray(type, layers * batch * kvHeads * rows * headDim);
      for (let layer = 0; layer < layers; layer++) {
        for (let b = 0; b < batch; b++) {
          for (let head = 0; head < kvHeads; head++) {
            const to = ((layer * batch + b) * kvHeads + head) * rows * headDim;
            const at = (layer * kvHeads + head) * this.prefixRows * headDim;
            if (prefix) out.set(prefix.subarray(at, at + this.prefixRows * headDim), to);
            const from = ((b * layers + layer) * kvHeads + head) * steps * headDim;
            out.set(own.subarray(from, from + steps * headDim), to + this.prefixRows * headDim);
          }
        }
      }
      return out;
    };
    return { keys: joined(keys, this.prefix?.keys), values: joined(values, this.prefix?.values) };
  }

  /** Rows of sequence b out of [B, L, K, steps, D]. */
  pick(
    keys: CacheArray | undefined,
    values: CacheArray,
    steps: number,
    b: number,
    rows: readonly number[],
    tokens: number,
  ): KvRows {
    const { layers, kvHeads, headDim, type } = this.shape;
    const size = layers * kvHeads * rows.length * headDim;
    const picked = { keys: newCacheArray(type, size), values: newCacheArray(type, size) };
    for (let head = 0; rows.length > 0 && head < layers * kvHeads; head++) {
      for (let i = 0; i < rows.length; i++) {
        const from = ((b * layers * kvHeads + head) * steps + (rows[i] as number)) * headDim;
        const to = (head * rows.length + i) * headDim;
        picked.keys.set((keys as CacheArray).subarray(from, from + headDim), to);
        picked.values.set(values.subarray(from, from + headDim), to);
      }
    }
    return new KvRows({ shape: this.shape, ...picked, positions: Int32Array.from(rows), tokens });
  }

  /** The first `tokens` rows of sequence b out of [B, L, heads, steps, D]: [L, heads, tokens, D]. */
  each(made: CacheArray, heads: number, steps: number, b: number, tokens: number): Float32Array {
    const { layers, headDim } = this.config;
    const size = tokens * headDim;
    const rows = new Float32Array(layers * heads * size);
    for (let head = 0; head < layers * heads; head++) {
      const from = (b * layers * heads + head) * steps * headDim;
      rows.set(asFloat32(made.subarray(from, from + size)), head * size);
    }
    return rows;
  }

  /** Rotates the prefix to its positions: [layers, kvHeads, rows, headDim]. */
  #place(prefix: KvRows): PastRows {
    prefix.assertFits(this.shape);
    const typed = prefix.as(this.shape.type);
    const block = { keys: typed.keys.slice(), values: typed.values, rows: prefix.rows };
    placeKeys(block, this.shape, this.rope, prefix.positions);
    return block;
  }
}

/** Number of slots for cached rows: at least one, masked, so that no tensor is empty. */
export function slotsFor(rows: number): number {
  return Math.max(1, rows);
}

function asFloat32(values: CacheArray): Float32Array {
  return values instanceof Float32Array ? values : decodeHalf(values);
}

function repeated(part: CacheArray, times: number, type: RowShape['type']): CacheArray {
  const out = newCacheArray(type, part.length * times);
  for (let i = 0; i < times; i++) out.set(part, i * part.length);
  return out;
}
