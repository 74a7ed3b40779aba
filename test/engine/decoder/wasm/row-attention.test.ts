import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeLayer } from '../../../../src/engine/architectures/layer';
import { HIDDEN, RowKind } from '../../../../src/engine/attention/policy';
import { decodeHalf, encodeHalf } from '../../../../src/engine/kv-cache/float16';
import { RowStore } from '../../../../src/engine/kv-cache/row-store';
import type { CacheArray } from '../../../../src/engine/kv-cache/shape';
import { KernelMemory } from '../../../../src/engine/decoder/wasm/kernel-memory';
import { RowAttention } from '../../../../src/engine/decoder/wasm/row-attention';
import type { ModelConfig } from '../../../../src/engine';
import { generator } from '../../../../src/engine/generate/sampling';

const LAYERS = 3;
/** The last layer has a window of its own. Its bias shows a stretch of slots. */
const WINDOW = 9;
const cases = fc.record({
  kvHeads: fc.integer({ min: 1, max: 3 }),
  perHead: fc.integer({ min: 1, max: 4 }),
  headDim: fc.constantFrom(8, 16, 20, 32, 64, 80, 128),
  near: fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 200, max: 700 })),
  far: fc.integer({ min: 0, max: 40 }),
  hidden: fc.double({ min: 0, max: 1, noNaN: true }),
  type: fc.constantFrom('float16' as const, 'float32' as const),
  seed: fc.integer(),
});

type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

/** Rows that bytes represent exactly: each number is a multiple of the row's maximum / 127. */
function exactRows(count: number, headDim: number, random: () => number): Float32Array {
  const values = Float32Array.from({ length: count * headDim }, () => Math.round(random() * 254 - 127) / 32);
  for (let at = 0; at < values.length; at += headDim)
    for (let block = 0; block < headDim; block += 32) values[at + block] = 127 / 32;
  return values;
}

function fill(store: RowStore, slots: number, random: () => number): void {
  const { layers, kvHeads, headDim, type } = store.shape;
  const typed = (values: Float32Array): CacheArray => (type === 'float32' ? values : encodeHalf(values));
  const taken = store.take(slots);
  const rows = () => typed(exactRows(layers * kvHeads * slots, headDim, random));
  store.write(
    taken,
    { keys: rows(), values: rows(), rows: slots },
    taken.map((_, i) => i),
  );
  for (const slot of taken) store.describe(slot, { kind: RowKind.plain, position: slot, group: 0 }, 1, 0);
}

const single = (values: CacheArray, from: number, length: number) => {
  const part = values.subarray(from, from + length);
  return part instanceof Float32Array ? part : decodeHalf(part);
};

/** Softmax attention in plain numbers. */
function expected(
  { kvHeads, perHead, headDim }: Case,
  layer: number,
  stores: readonly [RowStore, Float32Array][],
  bias: Float32Array,
  own: { q: Float32Array; k: Float32Array; v: Float32Array },
): Float32Array {
  const out = new Float32Array(kvHeads * perHead * headDim);
  for (let head = 0; head < kvHeads * perHead; head++) {
    const kv = Math.floor(head / perHead);
    const dot = (q: Float32Array, k: Float32Array) =>
      k.reduce((sum, x, d) => sum + x * (q[head * headDim + d] as number), 0) / Math.sqrt(headDim);
    const seen: { score: number; value: Float32Array }[] = [];
    let at = 0;
    for (const [store, q] of stores) {
      for (let slot = 0; slot < store.end; slot++) {
        const from = (kv * store.capacity + slot) * headDim;
        const value = single(store.values[layer] as CacheArray, from, headDim);
        seen.push({
          score: dot(q, single(store.keys[layer] as CacheArray, from, headDim)) + (bias[at + slot] as number),
          value,
        });
      }
      at += store.capacity;
    }
    seen.push({
      score: dot(own.q, own.k.subarray(kv * headDim, (kv + 1) * headDim)) + (bias[at] as number),
      value: own.v.subarray(kv * headDim, (kv + 1) * headDim),
    });
    const most = Math.max(...seen.map(({ score }) => score));
    const total = seen.reduce((sum, { score }) => sum + Math.exp(score - most), 0);
    for (const { score, value } of seen)
      value.forEach(
        (x, d) =>
          (out[head * headDim + d] = (out[head * headDim + d] as number) + (Math.exp(score - most) / total) * x),
      );
  }
  return out;
}

describe.each([1, 3])('attention in the kernels with %s threads', (threads) => {
  it('is softmax attention, for any seen, overwritten or hidden rows', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const { kvHeads, perHead, headDim, type } = one;
        const layerDescriptions = Array.from({ length: LAYERS }, (_, layer) =>
          describeLayer(headDim, layer === LAYERS - 1 ? { attention: { window: WINDOW } } : {}),
        );
        const config = {
          layers: LAYERS,
          layerDescriptions,
          kvHeads,
          queryHeads: kvHeads * perHead,
          headDim,
        } as unknown as ModelConfig;
        const random = generator(one.seed);
        const shape = { layers: LAYERS, kvHeads, headDim, type };
        const memory = new KernelMemory(1024, 1, threads);
        const attention = new RowAttention(config, memory);
        const out = memory.allocate(config.queryHeads * headDim * 4);
        const [near, far] = [new RowStore(shape), new RowStore(shape)];
        fill(far, one.far, random);
        // Two rounds: in the second, some rows are new and some are overwritten.
        for (const slots of [Math.floor(one.near / 2), Math.ceil(one.near / 2)]) {
          near.release([...near.used()].filter(() => random() < 0.1));
          fill(near, slots, random);
          const bias = Float32Array.from({ length: far.capacity + near.capacity + 1 }, (_, i) =>
            i < far.capacity + near.capacity && random() < one.hidden ? HIDDEN : random(),
          );
          for (let slot = 0; slot < near.end; slot++)
            if (near.kinds[slot] === RowKind.free) bias[far.capacity + slot] = HIDDEN;
          // Small queries spread their attention over many rows.
          const size = random();
          const own = {
            q: exactRows(config.queryHeads, headDim, random).map((x) => x * size),
            qFar: exactRows(config.queryHeads, headDim, random).map((x) => x * size),
            k: exactRows(kvHeads, headDim, random),
            v: exactRows(kvHeads, headDim, random),
          };
          const from = Math.floor(random() * bias.length);
          const windowed = bias.map((x, i) =>
            i === bias.length - 1 || (i >= from && i < from + 40) ? x : Math.fround(HIDDEN),
          );
          attention.prepare({ near, far, bias, windows: new Map([[WINDOW, windowed]]) });
          for (let layer = 0; layer < LAYERS; layer++) {
            attention.run(layer, own, true, out);
            const exact = expected(
              one,
              layer,
              [
                [far, own.qFar],
                [near, own.q],
              ],
              layer === LAYERS - 1 ? windowed : bias,
              own,
            );
            const made = memory.floats(out, exact.length);
            // The remaining error is the rounding of the shares: at most half a 127th of the largest of each 32, times
            // values of at most 4.
            expect(exact.reduce((most, x, i) => Math.max(most, Math.abs((made[i] as number) - x)), 0)).toBeLessThan(
              0.3,
            );
            expect(
              Math.sqrt(exact.reduce((sum, x, i) => sum + ((made[i] as number) - x) ** 2, 0) / exact.length),
            ).toBeLessThan(0.06);
          }
        }
        await memory.close();
      }),
      { numRuns: threads === 1 ? 60 : 8 },
    );
  });
});
