import type { ort } from '../onnxruntime';
import { HIDDEN, RowKind, type BlockChoice } from '../attention/policy';
import { layerOf } from '../architectures/layer';
import type { ModelConfig } from '../checkpoint/types';
import type { Context } from '../kv-cache/context';
import { decodeHalf } from '../kv-cache/float16';
import type { RowStore } from '../kv-cache/row-store';
import type { CacheArray } from '../kv-cache/shape';
import { frequencyKinds, kindOfLayer, rotateRows, rotationTable, type RotationTable } from '../rope/frequencies';
import { GraphBuilder } from './onnx/graph-builder';
import { cacheTensor, float32, type Runtime } from './runtime';

interface Reader {
  runtime: Runtime;
  config: ModelConfig;
  context: Context;
}

/** Queries of some tokens, not rotated: [layers, queryHeads, count, headDim]. */
interface Queries {
  rows: Float32Array;
  count: number;
}

/** Queries of the first tokens are left out: read without anything before them, these attend to themselves. */
const FIRST = 2;
/** Distance (tokens) at which queries see the rows: as near as text that was just read. */
const DISTANCE = 64;

/** Rotations in one kind of layers: queries to their distance, and near rows back to position 0. */
interface Rotations {
  query: RotationTable;
  near: RotationTable;
}

/** Slots of rows that are placed again, in the order of the text: rows that left the window, and rows in it. */
export interface ChosenRows {
  middle: number[];
  near: number[];
}

/**
 * Finds the blocks of rows that some tokens attend to most, among those that left the window and those in it. Without
 * the latter, blocks of little use would stand between a question and what it asks for in the window.
 *
 * In each layer a row scores the largest attention weight that any head of any token gives it, with all rows at one
 * distance. A block scores its best row, summed over the layers. A few heads find the right place and most spread their
 * weight, so a mean over heads would hide it: on SmolLM2 the block of a needle came first for all of 13 needles by the
 * largest weight, and for none by the sum.
 */
export async function bestBlocks(reader: Reader, queries: Queries, { rows, count }: BlockChoice): Promise<ChosenRows> {
  const { middle, near } = reader.context;
  const isPlain = (slot: number) => near.kinds[slot] === RowKind.plain;
  const candidates = { middle: inOrder(middle, () => true), near: inOrder(near, isPlain) };
  const blockOf = (store: RowStore, slot: number) => Math.floor((store.positions[slot] as number) / rows);
  const steps = Array.from({ length: near.capacity }, (_, slot) => -(near.positions[slot] as number));
  const { rope } = reader.context;
  const kinds = frequencyKinds(rope).map((kind) => ({
    query: rotationTable(kind, [DISTANCE]),
    near: rotationTable({ inverse: kind.inverse, attentionScale: 1 / kind.attentionScale }, steps),
  }));
  const scores = new Map<number, number>();
  for (let layer = 0; layer < reader.config.layers; layer++) {
    // A layer with a window never looks back beyond it.
    if (layerOf(reader.config, layer).attention.window !== undefined) continue;
    const rotations = kinds[kindOfLayer(rope, layer)] as Rotations;
    const weights = await largestWeights(reader, queries, layer, candidates, rotations);
    const best = new Map<number, number>();
    const see = (store: RowStore, slot: number, offset: number) => {
      const block = blockOf(store, slot);
      best.set(block, Math.max(best.get(block) ?? 0, weights[offset + slot] as number));
    };
    for (const slot of candidates.middle) see(middle, slot, 0);
    for (const slot of candidates.near) see(near, slot, middle.capacity);
    for (const [block, weight] of best) scores.set(block, (scores.get(block) ?? 0) + weight);
  }
  const chosen = new Set(
    [...scores]
      .sort(([, a], [, b]) => b - a)
      .slice(0, count)
      .map(([block]) => block),
  );
  return {
    middle: candidates.middle.filter((slot) => chosen.has(blockOf(middle, slot))),
    near: candidates.near.filter((slot) => chosen.has(blockOf(near, slot))),
  };
}

function inOrder(store: RowStore, isWanted: (slot: number) => boolean): number[] {
  const slots = [...store.used()].filter(isWanted);
  return slots.sort((a, b) => (store.positions[a] as number) - (store.positions[b] as number));
}

/** The largest attention weight over heads and tokens of each slot, those of the middle first. */
async function largestWeights(
  { runtime, config, context }: Reader,
  { rows, count }: Queries,
  layer: number,
  candidates: ChosenRows,
  rotations: Rotations,
): Promise<Float32Array> {
  const { middle, near } = context;
  const { queryHeads, kvHeads, headDim } = config;
  const skipped = Math.min(FIRST, count - 1);
  const own = new Float32Array(queryHeads * (count - skipped) * headDim);
  for (let head = 0; head < queryHeads; head++) {
    const from = (layer * queryHeads + head) * count * headDim;
    own.set(rows.subarray(from + skipped * headDim, from + count * headDim), head * (count - skipped) * headDim);
  }
  const nearKeys = near.keys[layer] as CacheArray;
  const lifted = nearKeys instanceof Float32Array ? nearKeys.slice() : decodeHalf(nearKeys);
  const { attention } = layerOf(config, layer);
  if (attention.rotary) {
    rotateRows(own, queryHeads * (count - skipped), headDim, rotations.query);
    const size = near.capacity * headDim;
    for (let head = 0; head < kvHeads; head++)
      rotateRows(lifted.subarray(head * size, (head + 1) * size), 1, headDim, rotations.near);
  }
  const bias = new Float32Array(middle.capacity + near.capacity).fill(HIDDEN);
  for (const slot of candidates.middle) bias[slot] = 0;
  for (const slot of candidates.near) bias[middle.capacity + slot] = 0;
  const feeds = {
    keys: cacheTensor(middle.keys[layer] as CacheArray, [1, kvHeads, middle.capacity, headDim]),
    near_keys: float32(lifted, [1, kvHeads, near.capacity, headDim]),
    queries: float32(own, [1, kvHeads, (queryHeads / kvHeads) * (count - skipped), headDim]),
    bias: float32(bias, [1, 1, 1, bias.length]),
  };
  const name = `largest weights ${attention.scale}`;
  const { weights } = await runtime.runSmall(name, () => graph(config, attention.scale, runtime.cache), feeds, [
    'weights',
  ]);
  return (weights as ort.Tensor).data as Float32Array;
}

/** softmax(q kᵀ · scale + bias), and the maximum over all queries of each row. */
function graph({ kvHeads, headDim }: ModelConfig, scale: number, type: Runtime['cache']): Uint8Array {
  const g = new GraphBuilder('largest-weights');
  const cached = g.input('keys', type, [1, kvHeads, 'middle', headDim]);
  const near = g.input('near_keys', 'float32', [1, kvHeads, 'near', headDim]);
  const queries = g.input('queries', 'float32', [1, kvHeads, 'queries', headDim]);
  const bias = g.input('bias', 'float32', [1, 1, 1, 'rows']);
  const keys = g.concat([type === 'float32' ? cached : g.cast(cached, 'float32'), near], 2);
  const scores = g.ms('FusedMatMul', [queries, keys], { transB: 1, alpha: { float: scale } });
  const shares = g.node('Softmax', [g.node('Add', [scores, bias])], { attributes: { axis: -1 } });
  const [weights] = g.nodes('ReduceMax', [shares, g.int64s([0, 1, 2])], {
    attributes: { keepdims: 0 },
    outputs: ['weights'],
  });
  g.output(weights as string, 'float32', ['rows']);
  return g.build();
}
