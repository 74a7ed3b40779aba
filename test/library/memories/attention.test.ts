import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeHalf } from '../../../src/engine/cache/float16';
import { anchorAttention, anchorKeys, type HeadShape } from '../../../src/library/memories/attention';

const numbers = (length: number) => fc.array(fc.integer({ min: -8, max: 8 }), { minLength: length, maxLength: length });

/** The same by the definition: in each head of the chosen layers the softmax of q·k/√D over all anchors, the logarithm of each group's sum, its mean. */
function byDefinition(queries: readonly number[], groups: readonly (readonly number[][])[], { layers, queryHeads, kvHeads, headDim, selection }: HeadShape): number[] {
  const chosen = selection ?? Array.from({ length: layers }, (_, layer) => layer);
  const logShares = groups.map(() => 0);
  for (const layer of chosen) {
    for (let head = 0; head < queryHeads; head++) {
      const q = queries.slice((layer * queryHeads + head) * headDim, (layer * queryHeads + head + 1) * headDim);
      const kv = layer * kvHeads + Math.floor((head * kvHeads) / queryHeads);
      const weights = groups.map((rows) => rows.map((row) => Math.exp(row.slice(kv * headDim, (kv + 1) * headDim).reduce((sum, k, d) => sum + k * (q[d] as number), 0) / Math.sqrt(headDim))));
      const total = weights.flat().reduce((sum, weight) => sum + weight, 0);
      weights.forEach((own, i) => (logShares[i] = (logShares[i] as number) + Math.log(own.reduce((sum, weight) => sum + weight, 0) / total) / (chosen.length * queryHeads)));
    }
  }
  return logShares;
}

const SHAPES = fc.record({
  layers: fc.constant(3), heads: fc.constantFrom([2, 1] as const, [2, 2] as const, [4, 2] as const, [5, 1] as const, [8, 1] as const), selection: fc.constantFrom(undefined, [1], [0, 2], [2, 1]),
});

it('is the mean logarithm of the softmax over all anchors, in the heads of the chosen layers, by definition', () => {
  fc.assert(fc.property(SHAPES, fc.integer({ min: 0, max: 5 }), fc.infiniteStream(numbers(96)), ({ layers, heads: [queryHeads, kvHeads], selection }, count, stream) => {
    const shape: HeadShape = { layers, queryHeads, kvHeads, headDim: 4, ...(selection ? { selection } : {}) };
    const width = layers * kvHeads * shape.headDim;
    const take = (length: number): number[] => (stream.next().value as number[]).slice(0, length);
    const queries = take(layers * queryHeads * shape.headDim).map((value) => value / 4);
    // Some segments have several anchors; values follow the keys and do not count.
    const groups = Array.from({ length: count }, (_, i) => Array.from({ length: 1 + (i % 3) }, () => take(2 * width)));
    const keys = groups.map((rows) => anchorKeys(new Uint8Array(encodeHalf(Float32Array.from(rows.flat())).buffer), shape));
    const expected = byDefinition(queries, groups, shape);
    const found = anchorAttention(Float32Array.from(queries), keys, shape);
    expect(found.length).toBe(count);
    found.forEach((share, i) => expect(share).toBeCloseTo(expected[i] as number, 4));
  }), { numRuns: 60 });
});

it('stays finite where queries and keys are as large as halves can be', () => {
  const shape: HeadShape = { layers: 1, queryHeads: 1, kvHeads: 1, headDim: 2 };
  const keys = [[60_000, 0], [-60_000, 0]].map((row) => anchorKeys(new Uint8Array(encodeHalf(Float32Array.from([...row, 0, 0])).buffer), shape));
  const [first, second] = anchorAttention(Float32Array.of(1_000, 0), keys, shape);
  expect(first).toBe(0);
  expect(second).toBeLessThan(-1e6);
  expect(second).toBeGreaterThan(-Infinity);
});
