/**
 * Whose anchors a question attends to: its mean query against every coarse row, layer by layer and head by head, as the model would
 * attend were all of them in its context at one distance (InfLLM's block scores, EM-LLM's; here over rows that are kept anyway).
 */
import { singleOf } from '../../engine/cache/float16';
import { halves } from './rows';

export interface HeadShape {
  layers: number;
  queryHeads: number;
  kvHeads: number;
  headDim: number;
  /** The layers whose heads were taught to choose (models/recipe/selecting.py). Without them every layer is asked, and tells next to nothing. */
  selection?: readonly number[];
}

const layersOf = ({ layers, selection }: HeadShape): readonly number[] => selection ?? Array.from({ length: layers }, (_, layer) => layer);

/**
 * The keys of some stored rows (rows.ts) that questions are held against.
 *
 * @returns [rows, layers that choose, kvHeads, headDim]
 */
export function anchorKeys(rows: Uint8Array, shape: HeadShape): Float32Array {
  const { layers, kvHeads, headDim } = shape;
  const chosen = layersOf(shape);
  const stored = halves(rows);
  const width = 2 * layers * kvHeads * headDim;
  const perLayer = kvHeads * headDim;
  const keys = new Float32Array((stored.length / width) * chosen.length * perLayer);
  let at = 0;
  for (let row = 0; row < stored.length; row += width) {
    for (const layer of chosen) {
      const from = row + layer * perLayer;
      for (let i = from; i < from + perLayer; i++) keys[at++] = singleOf[stored[i] as number] as number;
    }
  }
  return keys;
}

/**
 * The logarithm of the share of attention that each group of anchors draws, mean over heads: in each head the softmax of q·k/√D over all anchors, summed
 * over the group's. What it was taught with (`falls_on`). The mean of logarithms asks every head; of a mean of shares one head that is sure of itself decides.
 *
 * @param queries [layers, queryHeads, headDim], not rotated
 * @param groups `anchorKeys` of each segment, each with a row at least
 * @returns nats, at most 0
 */
export function anchorAttention(queries: Float32Array, groups: readonly Float32Array[], shape: HeadShape): Float64Array {
  const { queryHeads, kvHeads, headDim } = shape;
  const chosen = layersOf(shape);
  const heads = chosen.length * queryHeads;
  const width = chosen.length * kvHeads * headDim;
  const asked = new Float32Array(heads * headDim);
  chosen.forEach((layer, i) => {
    const own = queries.subarray(layer * queryHeads * headDim, (layer + 1) * queryHeads * headDim);
    own.forEach((value, d) => (asked[i * queryHeads * headDim + d] = value / Math.sqrt(headDim)));
  });
  // Where in a row's keys those of each head begin.
  const keyAt = Int32Array.from({ length: heads }, (_, head) => (Math.floor(head / queryHeads) * kvHeads + Math.floor(((head % queryHeads) * kvHeads) / queryHeads)) * headDim);
  const scores = new Float64Array(groups.length);
  for (let head = 0; head < heads; head++) {
    const q = asked.subarray(head * headDim, (head + 1) * headDim);
    const ofHead = groups.map((keys) => logSum(q, keys, keyAt[head] as number, width));
    const all = logSumExp(ofHead);
    for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] as number) + ((ofHead[i] as number) - all) / heads;
  }
  return scores;
}

/** log Σ exp(q·k) over rows `width` apart. */
function logSum(q: Float32Array, keys: Float32Array, from: number, width: number): number {
  let highest = -Infinity;
  let sum = 0;
  for (let row = from; row < keys.length; row += width) {
    let logit = 0;
    for (let d = 0; d < q.length; d++) logit += (q[d] as number) * (keys[row + d] as number);
    if (logit <= highest) sum += Math.exp(logit - highest);
    else {
      sum = sum * Math.exp(highest - logit) + 1;
      highest = logit;
    }
  }
  return highest + Math.log(sum);
}

function logSumExp(values: readonly number[]): number {
  let highest = -Infinity;
  for (const value of values) if (value > highest) highest = value;
  let sum = 0;
  for (const value of values) sum += Math.exp(value - highest);
  return highest + Math.log(sum);
}
