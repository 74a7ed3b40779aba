import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KvRows } from '../../../src/engine';
import { full, memories, Decoder, openCheckpoint, type TensorSource } from '../../../src/engine';
import {
  matrixVector,
  readReferenceModel,
  referenceForward,
  type ReferenceModel,
  type ReferenceRow,
} from './reference';
import { ropeFrequencies, type RopeFrequencies } from '../../../src/engine/rope/frequencies';
import { fixture } from '../../fixtures';
import { largestGap, randomTokens } from '../tiny';
import { rowsGap } from './row-gap';

const SINKS = [5, 6, 7];

describe.each([
  { told: 'start with one vector' },
  { told: 'also start with the embeddings of the tokens they represent', spanRows: 3 },
  { told: 'replace the last token of their share', inPlace: true },
])('memory tokens that $told', ({ spanRows, inPlace }: { spanRows?: number; inPlace?: boolean }) => {
  let model: ReferenceModel;
  let rope: RopeFrequencies;
  let decoder: Decoder;
  let memory: Map<string, { shape: number[]; values: Float32Array }>;
  let dense: typeof memory;
  beforeAll(async () => {
    const checkpoint = await openCheckpoint(fixture('checkpoints/qwen2'));
    model = await readReferenceModel(checkpoint);
    const { config } = model;
    rope = ropeFrequencies(config.rope, 64);
    const values = (count: number, seed: number) =>
      Float32Array.from(randomTokens(count, 2001, seed), (x) => (x - 1000) / 4000);
    const slots = (
      seed: number,
      form: { spanRows?: number | undefined; inPlace?: boolean | undefined },
    ): typeof memory => {
      const made: typeof memory = new Map();
      const add = (name: string, shape: number[]) =>
        made.set(name, {
          shape,
          values: values(
            shape.reduce((a, b) => a * b),
            seed + made.size,
          ),
        });
      add('slot', [config.hiddenSize]);
      if (form.inPlace) made.set('slot.in_place', { shape: [1], values: Float32Array.of(1) });
      if (form.spanRows) {
        made.set('slot.span_weight', { shape: [config.vocabSize], values: values(config.vocabSize, 77).map(Math.abs) });
        made.set('slot.span_gain', { shape: [1], values: Float32Array.of(1.5) });
        made.set('slot.span_rows', { shape: [1], values: Float32Array.of(form.spanRows) });
      }
      for (let layer = 0; layer < config.layers; layer++) {
        add(`layers.${layer}.slot.q_proj.weight`, [config.queryHeads * config.headDim, config.hiddenSize]);
        for (const name of ['slot.v_proj', 'head.k_proj', 'head.v_proj'])
          add(`layers.${layer}.${name}.weight`, [config.kvHeads * config.headDim, config.hiddenSize]);
      }
      return made;
    };
    memory = slots(0, { spanRows, inPlace });
    dense = slots(500, { spanRows: 2 });
    decoder = await Decoder.open(checkpoint, {
      weights: 'f32',
      cacheDirectory: null,
      threads: 1,
      memory: sourceOf(memory),
      denseMemory: sourceOf(dense),
    });
    await checkpoint.close();
  });
  afterAll(() => decoder.close());

  it('represent their part of the segment, which does not see them', async () => {
    const context = decoder.newContext(full(), 8, { rope });
    await context.prefill(SINKS);
    const prefix = context.rowsAt(0, SINKS.length);
    const segments = [11, 4, 1].map((length, i) => randomTokens(length, 128, i + 40));
    const encoded = await decoder.encodeSegments(
      segments.map((tokens) => ({ tokens, keep: [0], slotTokens: 4 })),
      { prefix, rope },
    );
    segments.forEach((tokens, s) => {
      const result = encoded[s] as (typeof encoded)[number];
      const slots = slotRows(tokens, 4);
      expect(result.memories).toBeDefined();
      expect(rowsGap(result.memories as KvRows, slots)).toBeLessThan(1e-4);
      expect((result.memories as KvRows).tokens).toBe(tokens.length);
      const alone = referenceForward(model, rope, { tokens: [...SINKS, ...tokens], distance: (i, j) => i - j });
      expect(rowsGap(result.rows, [alone.rows[SINKS.length] as ReferenceRow])).toBeLessThan(1e-4);
    });
  });

  it('of a second set are computed in the same run, with separate weights', async () => {
    const context = decoder.newContext(full(), 8, { rope });
    await context.prefill(SINKS);
    const [tokens, longer, plain] = [9, 14, 6].map((length, i) => randomTokens(length, 128, i + 60)) as [
      number[],
      number[],
      number[],
    ];
    const encoded = await decoder.encodeSegments(
      [
        { tokens, keep: [], slotTokens: 4 },
        { tokens: longer, keep: [0], slotTokens: 2, slotSet: 'dense' },
        { tokens, keep: [], slotTokens: 4, slotSet: 'dense' },
        { tokens: plain, keep: [] },
      ],
      { prefix: context.rowsAt(0, SINKS.length), rope },
    );
    expect(rowsGap(encoded[0]?.memories as KvRows, slotRows(tokens, 4))).toBeLessThan(1e-4);
    expect(rowsGap(encoded[1]?.memories as KvRows, slotRows(longer, 2, dense))).toBeLessThan(1e-4);
    expect(rowsGap(encoded[2]?.memories as KvRows, slotRows(tokens, 4, dense))).toBeLessThan(1e-4);
    expect(encoded[3]?.memories).toBe(undefined);
    expect([decoder.hasMemoryTokens('memory'), decoder.hasMemoryTokens('dense')]).toEqual([true, true]);
  });

  it('replace the oldest rows while a text is read, for any chunk ends', async () => {
    const [segmentTokens, keepTokens, slotTokens] = [6, 5, 4];
    const tokens = randomTokens(34, 128, 7);
    // The same in plain arrays: runs between compressions, each over the remaining rows, with positions from 0.
    let left: { row: ReferenceRow; token: number }[] = [];
    let kept: ReferenceRow[] = [];
    const expected: Float64Array[] = [];
    const sinkRows = referenceForward(model, rope, { tokens: SINKS, distance: (i, j) => i - j });
    expected.push(...sinkRows.logits);
    for (const token of tokens) {
      const past = [...sinkRows.rows, ...kept, ...left.map(({ row }) => row)];
      const out = referenceForward(model, rope, { tokens: [token], past, distance: (i, j) => i - j });
      expected.push(out.logits[0] as Float64Array);
      left.push({ row: out.rows[0] as ReferenceRow, token });
      if (left.length < segmentTokens + keepTokens) continue;
      kept = [
        ...kept,
        ...slotRows(
          left.slice(0, segmentTokens).map((entry) => entry.token),
          slotTokens,
        ),
      ];
      left = left.slice(segmentTokens);
    }
    for (const prefilled of [0, 5, 20, 37]) {
      const context = decoder.newContext(memories({ sinks: SINKS.length }), 24, {
        rope,
        compress: { segmentTokens, keepTokens, slotTokens },
      });
      expect(context.rowsNeeded([...SINKS, ...tokens])).toBe(SINKS.length + 4 * 2 + left.length);
      const all = [...SINKS, ...tokens];
      const got: Float32Array[] = [];
      const { logits } = await context.prefill(all.slice(0, prefilled), { logits: 'all' });
      for (let row = 0; row < prefilled; row++) got.push(logits.subarray(row * 128, (row + 1) * 128));
      for (const token of all.slice(prefilled)) got.push(await context.decode(token));
      expect(largestGap(got, expected)).toBeLessThan(1e-4);
      expect(context.ledger().groups.filter((group) => group.kind === 'memory')).toHaveLength(4);
      expect(context.position).toBe(SINKS.length + 4 * 2 + left.length);
    }
  });

  /**
   * The pass of the memory tokens as in the paper: separate q and v projections at their slots, and the transfer head
   * on their outputs.
   */
  function slotRows(tokens: readonly number[], ratio: number, weights = memory): ReferenceRow[] {
    const { config, tensors } = model;
    const standsIn = weights.has('slot.in_place');
    const spanned = weights.get('slot.span_rows')?.values[0];
    const count = Math.ceil(tokens.length / ratio);
    const cover = Array.from({ length: count }, (_, j) => Math.min((j + 1) * ratio, tokens.length));
    const rows = SINKS.length + tokens.length;
    const seen = cover.map((end) => (standsIn ? end - 1 : end));
    const positions = [...Array.from({ length: rows }, (_, i) => i), ...seen.map((covered) => SINKS.length + covered)];
    const left: ReferenceRow[] = cover.map(() => ({ keys: [], values: [] }));
    const own = (layer: number, name: string) =>
      (weights.get(`layers.${layer}.${name}.weight`) as { values: Float32Array }).values;
    const bias = (layer: number, name: string) =>
      tensors.get(`model.layers.${layer}.self_attn.${name}_proj.bias`) as Float32Array;
    // The reference gets the start vector of a memory token as the embedding of an extra token.
    const embeddings = tensors.get('model.embed_tokens.weight') as Float32Array;
    const extended = new Float32Array(embeddings.length + count * config.hiddenSize);
    extended.set(embeddings);
    const given = (name: string) => (weights.get(name) as { values: Float32Array }).values;
    cover.forEach((end, j) => {
      const begun = Float64Array.from(given('slot'));
      if (standsIn)
        begun.forEach(
          (value, i) => (begun[i] = value + (embeddings[(tokens[end - 1] as number) * begun.length + i] as number)),
        );
      const span = spanned ? tokens.slice(Math.max(cover[j - 1] ?? 0, end - spanned), end) : [];
      const sum = span.reduce((total, token) => total + (given('slot.span_weight')[token] as number), 0);
      for (const token of span) {
        const weight = (1.5 * (given('slot.span_weight')[token] as number)) / sum;
        begun.forEach((value, i) => (begun[i] = value + weight * (embeddings[token * begun.length + i] as number)));
      }
      extended.set(begun, embeddings.length + j * config.hiddenSize);
    });
    const withSlot: ReferenceModel = {
      config,
      tensors: new Map([...tensors, ['model.embed_tokens.weight', extended]]),
    };
    referenceForward(withSlot, rope, {
      tokens: [...SINKS, ...tokens, ...cover.map((_, j) => config.vocabSize + j)],
      distance: (i, j) => {
        const visible = i < rows || i === j || j < SINKS.length + (seen[i - rows] as number);
        return visible ? (positions[i] as number) - (positions[j] as number) : undefined;
      },
      adapt: (layer, i, input, projected) => {
        if (i < rows) return;
        projected.q.set(matrixVector(own(layer, 'slot.q_proj'), input, bias(layer, 'q')));
        projected.v.set(matrixVector(own(layer, 'slot.v_proj'), input, bias(layer, 'v')));
        left[i - rows]?.keys.push(matrixVector(own(layer, 'head.k_proj'), input, bias(layer, 'k')));
        left[i - rows]?.values.push(matrixVector(own(layer, 'head.v_proj'), input, bias(layer, 'v')));
      },
    });
    return left;
  }
});

function sourceOf(tensors: ReadonlyMap<string, { shape: number[]; values: Float32Array }>): TensorSource {
  const get = (name: string) => tensors.get(name) as { shape: number[]; values: Float32Array };
  return {
    names: () => [...tensors.keys()],
    has: (name) => tensors.has(name),
    info: (name) => ({ dtype: 'F32', shape: get(name).shape, byteLength: get(name).values.byteLength }),
    readFloat32: (name) => Promise.resolve(get(name).values),
    close: () => Promise.resolve(),
  };
}
