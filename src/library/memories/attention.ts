/**
 * Whose anchors a question attends to: its mean query against every coarse row, layer by layer and head by head, as the model would
 * attend were all of them in its context at one distance (InfLLM's block scores, EM-LLM's; here over rows that are kept anyway).
 */
import { singleOf } from '../../engine/cache/float16';
import { LANES, multiplyLanes } from './lanes';
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
  const { kvHeads, headDim } = shape;
  const { asked, lanes, heads } = interleaved(queries, shape);
  const keyHeads = layersOf(shape).length * kvHeads;
  const perKey = lanes / keyHeads;
  // [groups, lanes]: log Σ exp(q·k) over the group's rows.
  const drawn = new Float64Array(groups.length * lanes);
  let logits = new Float64Array(lanes);
  groups.forEach((keys, i) => {
    const rows = keys.length / (keyHeads * headDim);
    if (logits.length < rows * lanes) logits = new Float64Array(rows * lanes);
    for (let row = 0; row < rows; row++) {
      for (let lane = 0; lane < lanes; lane += LANES) multiplyLanes(asked, lane * headDim, keys, (row * keyHeads + Math.floor(lane / perKey)) * headDim, headDim, logits, row * lanes + lane);
    }
    for (let lane = 0; lane < lanes; lane++) drawn[i * lanes + lane] = logSumExp(logits, lane, lanes, rows);
  });
  const scores = new Float64Array(groups.length);
  for (const lane of heads) {
    const all = logSumExp(drawn, lane, lanes, groups.length);
    for (let i = 0; i < scores.length; i++) scores[i] = (scores[i] as number) + ((drawn[i * lanes + lane] as number) - all) / heads.length;
  }
  return scores;
}

/** Queries by √D, [key heads of the chosen layers, blocks, headDim, LANES]: each key head's queries in blocks, the last filled up with zeros. `heads`: the lane of each query head. */
function interleaved(queries: Float32Array, shape: HeadShape): { asked: Float64Array; lanes: number; heads: readonly number[] } {
  const { queryHeads, kvHeads, headDim } = shape;
  const chosen = layersOf(shape);
  const perKey = queryHeads / kvHeads;
  const blocks = Math.ceil(perKey / LANES);
  const lanes = chosen.length * kvHeads * blocks * LANES;
  const asked = new Float64Array(lanes * headDim);
  const heads: number[] = [];
  for (const [i, layer] of chosen.entries()) {
    for (let head = 0; head < queryHeads; head++) {
      const lane = (i * kvHeads + Math.floor(head / perKey)) * blocks * LANES + (head % perKey);
      heads.push(lane);
      const to = Math.floor(lane / LANES) * headDim * LANES + (lane % LANES);
      for (let d = 0; d < headDim; d++) asked[to + d * LANES] = (queries[(layer * queryHeads + head) * headDim + d] as number) / Math.sqrt(headDim);
    }
  }
  return { asked, lanes, heads };
}

/** log Σ exp of `count` values, `step` apart. */
function logSumExp(values: Float64Array, from: number, step: number, count: number): number {
  let highest = values[from] as number;
  for (let i = 1, at = from + step; i < count; i++, at += step) if ((values[at] as number) > highest) highest = values[at] as number;
  if (count === 1) return highest;
  let sum = 0;
  for (let i = 0, at = from; i < count; i++, at += step) sum += Math.exp((values[at] as number) - highest);
  return highest + Math.log(sum);
}
