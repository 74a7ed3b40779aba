import fc from 'fast-check';
import { expect, it } from 'vitest';
import { encodeHalf } from '../../../src/engine/cache/float16';
import { anchorAttention, type HeadShape } from '../../../src/library/memories/attention';

const numbers = (length: number) => fc.array(fc.integer({ min: -8, max: 8 }), { minLength: length, maxLength: length });

/** The same by the definition: softmax of q·k/√D over all anchors, in each layer and head. */
function byDefinition(queries: readonly number[], groups: readonly (readonly number[][])[], { layers, queryHeads, kvHeads, headDim }: HeadShape): number[] {
  const shares = groups.map(() => 0);
  for (let layer = 0; layer < layers; layer++) {
    for (let head = 0; head < queryHeads; head++) {
      const q = queries.slice((layer * queryHeads + head) * headDim, (layer * queryHeads + head + 1) * headDim);
      const kv = layer * kvHeads + Math.floor((head * kvHeads) / queryHeads);
      const weights = groups.map((rows) => rows.map((row) => Math.exp(row.slice(kv * headDim, (kv + 1) * headDim).reduce((sum, k, d) => sum + k * (q[d] as number), 0) / Math.sqrt(headDim))));
      const total = weights.flat().reduce((sum, weight) => sum + weight, 0);
      weights.forEach((own, i) => (shares[i] = (shares[i] as number) + Math.max(0, ...own) / total / (layers * queryHeads)));
    }
  }
  return shares;
}

it('is the softmax over all anchors in each head, by definition', () => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 2 }), fc.constantFrom([2, 1], [2, 2], [4, 2]), fc.integer({ min: 0, max: 5 }), fc.infiniteStream(numbers(64)), (layers, [queryHeads, kvHeads], count, stream) => {
    const shape: HeadShape = { layers, queryHeads: queryHeads as number, kvHeads: kvHeads as number, headDim: 4 };
    const width = layers * shape.kvHeads * shape.headDim;
    const take = (length: number): number[] => (stream.next().value as number[]).slice(0, length);
    const queries = take(layers * shape.queryHeads * shape.headDim).map((value) => value / 4);
    // Some segments have several anchors; values follow the keys and do not count.
    const groups = Array.from({ length: count }, (_, i) => Array.from({ length: 1 + (i % 3) }, () => take(2 * width)));
    const bytes = groups.map((rows) => new Uint8Array(encodeHalf(Float32Array.from(rows.flat())).buffer));
    const expected = byDefinition(queries, groups, shape);
    const found = anchorAttention(Float32Array.from(queries), bytes, shape);
    expect(found.length).toBe(count);
    found.forEach((share, i) => expect(share).toBeCloseTo(expected[i] as number, 4));
  }), { numRuns: 60 });
});
