/**
 * Whose anchors a question attends to: its mean query against every coarse row, layer by layer and head by head, as the model would
 * attend were all of them in its context at one distance (InfLLM's block scores, EM-LLM's; here over rows that are kept anyway).
 */
import { decodeHalf } from '../../engine/cache/float16';
import { halves } from './rows';

export interface HeadShape {
  layers: number;
  queryHeads: number;
  kvHeads: number;
  headDim: number;
}

/**
 * The share of attention that each group of anchors draws: softmax over all anchors in each head, the mean over heads of the largest share
 * of the group's anchors. Long segments have more anchors and gain nothing by it.
 *
 * @param queries [layers, queryHeads, headDim], not rotated
 * @param groups stored rows (rows.ts) of each segment; each row's keys come first, [layers, kvHeads, headDim]
 */
export function anchorAttention(queries: Float32Array, groups: readonly Uint8Array[], { layers, queryHeads, kvHeads, headDim }: HeadShape): Float64Array {
  const width = 2 * layers * kvHeads * headDim;
  const rows = groups.reduce((sum, group) => sum + group.byteLength / (2 * width), 0);
  const heads = layers * queryHeads;
  // [heads, rows]
  const logits = new Float32Array(heads * rows);
  const keys = new Float32Array(width / 2);
  let row = 0;
  for (const group of groups) {
    const stored = halves(group);
    for (let from = 0; from < stored.length; from += width, row++) {
      decodeHalf(stored.subarray(from, from + width / 2), keys);
      for (let head = 0; head < heads; head++) {
        const kvHead = Math.floor(head / queryHeads) * kvHeads + Math.floor((head % queryHeads) / (queryHeads / kvHeads));
        let sum = 0;
        for (let d = 0; d < headDim; d++) sum += (queries[head * headDim + d] as number) * (keys[kvHead * headDim + d] as number);
        logits[head * rows + row] = sum / Math.sqrt(headDim);
      }
    }
  }
  const scores = new Float64Array(groups.length);
  for (let head = 0; head < heads; head++) addShares(scores, logits.subarray(head * rows, (head + 1) * rows), groups, 2 * width, heads);
  return scores;
}

/** Adds one head's largest softmax share of each group. */
function addShares(scores: Float64Array, logits: Float32Array, groups: readonly Uint8Array[], bytesPerRow: number, heads: number): void {
  let highest = -Infinity;
  for (const logit of logits) if (logit > highest) highest = logit;
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - highest);
  let row = 0;
  groups.forEach((group, i) => {
    let most = -Infinity;
    for (const end = row + group.byteLength / bytesPerRow; row < end; row++) most = Math.max(most, logits[row] as number);
    scores[i] = (scores[i] as number) + (most === -Infinity ? 0 : Math.exp(most - highest) / total / heads);
  });
}
