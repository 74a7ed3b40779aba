import type { ort } from '../onnxruntime';
import { HIDDEN, type BlockChoice } from '../attention/policy';
import { layerOf } from '../architectures/layer';
import type { ModelConfig } from '../checkpoint/types';
import type { Context } from '../kv-cache/context';
import { rotateRows, rotationTable } from '../rope/frequencies';
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

/**
 * Finds the blocks of middle rows that some tokens attend to most, and returns their slots in the order of the text.
 *
 * In each layer a row scores the largest attention weight that any head of any token gives it, with all middle rows
 * at one distance. A block scores its best row, summed over the layers. A few heads find the right place and most
 * spread their weight, so a mean over heads would hide it: on SmolLM2 the block of a needle came first for all of 13
 * needles by the largest weight, and for none by the sum.
 */
export async function bestBlocks(reader: Reader, queries: Queries, { rows, count }: BlockChoice): Promise<number[]> {
  const { middle } = reader.context;
  const slots = [...middle.used()].sort((a, b) => (middle.positions[a] as number) - (middle.positions[b] as number));
  const blockOf = (slot: number) => Math.floor((middle.positions[slot] as number) / rows);
  const scores = new Map<number, number>();
  for (let layer = 0; layer < reader.config.layers; layer++) {
    const weights = await largestWeights(reader, queries, layer);
    const best = new Map<number, number>();
    for (const slot of slots) {
      const block = blockOf(slot);
      best.set(block, Math.max(best.get(block) ?? 0, weights[slot] as number));
    }
    for (const [block, weight] of best) scores.set(block, (scores.get(block) ?? 0) + weight);
  }
  const chosen = new Set(
    [...scores]
      .sort(([, a], [, b]) => b - a)
      .slice(0, count)
      .map(([block]) => block),
  );
  return slots.filter((slot) => chosen.has(blockOf(slot)));
}

/** The largest attention weight of each slot over heads and tokens: [capacity]. */
async function largestWeights(
  { runtime, config, context }: Reader,
  { rows, count }: Queries,
  layer: number,
): Promise<Float32Array> {
  const { middle, rope } = context;
  const { queryHeads, kvHeads, headDim } = config;
  const used = Math.min(FIRST, count - 1);
  const own = new Float32Array(queryHeads * (count - used) * headDim);
  for (let head = 0; head < queryHeads; head++) {
    const from = (layer * queryHeads + head) * count * headDim;
    own.set(rows.subarray(from + used * headDim, from + count * headDim), head * (count - used) * headDim);
  }
  const { attention } = layerOf(config, layer);
  if (attention.rotary) rotateRows(own, queryHeads * (count - used), headDim, rotationTable(rope, [DISTANCE]));
  const bias = new Float32Array(middle.capacity).fill(HIDDEN);
  for (const slot of middle.used()) bias[slot] = 0;
  const feeds = {
    keys: cacheTensor(middle.keys[layer] as Float32Array, [1, kvHeads, middle.capacity, headDim]),
    queries: float32(own, [1, kvHeads, (queryHeads / kvHeads) * (count - used), headDim]),
    bias: float32(bias, [1, 1, 1, middle.capacity]),
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
  const cached = g.input('keys', type, [1, kvHeads, 'rows', headDim]);
  const queries = g.input('queries', 'float32', [1, kvHeads, 'queries', headDim]);
  const bias = g.input('bias', 'float32', [1, 1, 1, 'rows']);
  const keys = type === 'float32' ? cached : g.cast(cached, 'float32');
  const scores = g.ms('FusedMatMul', [queries, keys], { transB: 1, alpha: { float: scale } });
  const shares = g.node('Softmax', [g.node('Add', [scores, bias])], { attributes: { axis: -1 } });
  const [weights] = g.nodes('ReduceMax', [shares, g.int64s([0, 1, 2])], {
    attributes: { keepdims: 0 },
    outputs: ['weights'],
  });
  g.output(weights as string, 'float32', ['rows']);
  return g.build();
}
