import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  anchors,
  compose,
  full,
  lambda,
  memories,
  Decoder,
  KvRows,
  openCheckpoint,
  tokenAnchors,
  type TensorSource,
} from '../../../src/engine';
import {
  matrixVector,
  readReferenceModel,
  referenceForward,
  type ReferenceInput,
  type ReferenceModel,
  type ReferenceRow,
} from './reference';
import { ropeFrequencies, type RopeFrequencies } from '../../../src/engine/rope/frequencies';
import { fixture } from '../../fixtures';
import { largestGap, randomTokens, Tiny } from '../tiny';

const SINKS = [5, 6, 7];

/** Row r of KvRows in the form of the reference. */
function rowOf(rows: KvRows, r: number): ReferenceRow {
  const { layers, kvHeads, headDim } = rows.shape;
  const pick = (all: ArrayLike<number>, layer: number) =>
    Float64Array.from(
      { length: kvHeads * headDim },
      (_, i) => all[((layer * kvHeads + Math.floor(i / headDim)) * rows.rows + r) * headDim + (i % headDim)] as number,
    );
  const each = (all: ArrayLike<number>) => Array.from({ length: layers }, (_, layer) => pick(all, layer));
  return { keys: each(rows.keys), values: each(rows.values) };
}

function rowsGap(a: KvRows, b: readonly ReferenceRow[]): number {
  expect(a.rows).toBe(b.length);
  const flat = (row: ReferenceRow) => [...row.keys, ...row.values].flatMap((x) => [...x]);
  return largestGap(
    b.map((_, r) => flat(rowOf(a, r))),
    b.map(flat),
  );
}

describe.each(['llama3', 'qwen2', 'qwen3'])('%s', (family) => {
  let tiny: Tiny;
  let prefix: KvRows;
  beforeAll(async () => {
    tiny = await Tiny.open(family, 16);
    const context = tiny.decoder.newContext(full(), 8, { rope: tiny.rope });
    await context.prefill(SINKS);
    prefix = context.rowsAt(0, SINKS.length);
  });
  afterAll(() => tiny.decoder.close());

  it('encodes each segment after the sinks, independent of the others', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 60 }),
        fc.boolean(),
        async (lengths, batchRows, anchored) => {
          const isAnchor = (token: number) => token % 4 === 0;
          const policy = anchored ? anchors({ sinks: SINKS.length, isAnchor }) : full();
          const inputs = lengths.map((length, i) => {
            const all = Array.from({ length }, (_, t) => t);
            return {
              tokens: randomTokens(length, 128, 100 + i),
              keep: all.filter((t) => t % 2 === 0),
              hidden: [length - 1],
              queries: i % 2 === 0,
              meanKeys: i % 3 === 0,
            };
          });
          const encoded = await tiny.decoder.encodeSegments(inputs, { prefix, policy, rope: tiny.rope, batchRows });
          inputs.forEach((input, i) => {
            const tokens = [...SINKS, ...input.tokens];
            const anchor = tokens.map((token, t) => anchored && t >= SINKS.length && isAnchor(token));
            const group = anchor.map((_, t) => anchor.slice(0, t).filter(Boolean).length);
            const sees = (q: number, k: number) =>
              k < SINKS.length || group[q] === group[k] || (anchor[k] && !anchor[q]);
            const queries: Float64Array[] = [];
            const adapt: ReferenceInput['adapt'] = (layer, row, _, { q }) => {
              const mean = (queries[layer] ??= new Float64Array(q.length));
              if (row >= SINKS.length)
                q.forEach((value, d) => (mean[d] = (mean[d] as number) + value / input.tokens.length));
            };
            const expected = tiny.reference({ tokens, distance: (q, k) => (sees(q, k) ? q - k : undefined), adapt });
            const result = encoded[i] as (typeof encoded)[number];
            if (input.queries)
              expect(largestGap([result.queries as Float32Array], [queries.flatMap((mean) => [...mean])])).toBeLessThan(
                1e-4,
              );
            else expect(result.queries).toBe(undefined);
            const own = expected.rows.slice(SINKS.length);
            const meanKeys =
              own[0]?.keys.flatMap((first, layer) =>
                [...first].map((_, d) =>
                  own.reduce((sum, { keys }) => sum + (keys[layer]?.[d] as number) / own.length, 0),
                ),
              ) ?? [];
            if (input.meanKeys) expect(largestGap([result.meanKeys as Float32Array], [meanKeys])).toBeLessThan(1e-4);
            else expect(result.meanKeys).toBe(undefined);
            expect(
              rowsGap(
                result.rows,
                input.keep.map((t) => expected.rows[SINKS.length + t] as ReferenceRow),
              ),
            ).toBeLessThan(1e-4);
            expect(largestGap([result.hidden], [expected.hidden.at(-1) as Float64Array])).toBeLessThan(1e-4);
            expect([...result.rows.positions]).toEqual(input.keep);
          });
        },
      ),
      { numRuns: 10 },
    ));

  it('reads after spliced rows like after its own rows, at any position', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 3, max: 40 }),
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        async (at, gap, length, anchored) => {
          const segment = randomTokens(9, 128, at);
          const tokens = randomTokens(length, 128, at + gap);
          const keep = [1, 4, 8];
          const [encoded] = await tiny.decoder.encodeSegments([{ tokens: segment, keep }], { prefix, rope: tiny.rope });
          const isAnchor = (token: number) => token % 3 === 0;
          const base = lambda({ sinks: SINKS.length, window: 6, ceiling: 15 });
          const context = tiny.decoder.newContext(
            anchored ? compose(base, anchors({ sinks: SINKS.length, isAnchor })) : base,
            64,
            { rope: tiny.rope },
          );
          await context.prefill(SINKS);
          context.splice(KvRows.deserialize((encoded as { rows: KvRows }).rows.serialize()), at, 'a.ts:1-9');
          const start = at + 9 + gap;
          context.skipTo(start);
          const got = await tiny.read(context, tokens, Math.ceil(length / 2));

          const alone = tiny.reference({ tokens: [...SINKS, ...segment], distance: (i, j) => i - j });
          const past = [
            ...alone.rows.slice(0, SINKS.length),
            ...keep.map((t) => alone.rows[SINKS.length + t] as ReferenceRow),
          ];
          const positions = [...SINKS.map((_, i) => i), ...keep.map((t) => at + t), ...tokens.map((_, t) => start + t)];
          const anchor = positions.map(
            (_, r) => anchored && r >= past.length && isAnchor(tokens[r - past.length] as number),
          );
          const group = anchor.map((_, r) => anchor.slice(0, r).filter(Boolean).length);
          const expected = tiny.reference({
            tokens,
            past,
            distance: (i, j) => {
              const d = (positions[i] as number) - (positions[j] as number);
              if (j < SINKS.length) return Math.min(d, 15);
              if (j < past.length) return anchor[i] ? undefined : Math.min(d, 15);
              if (anchor[j]) return i === j || !anchor[i] ? Math.min(d, 15) : undefined;
              return d < 6 && group[i] === group[j] ? d : undefined;
            },
          });
          expect(largestGap(got, expected.logits)).toBeLessThan(1e-4);
          expect(context.ledger().groups.find((g) => g.kind === 'memory')).toMatchObject({
            rows: 3,
            tokens: 9,
            origin: 'a.ts:1-9',
            from: at + 1,
            to: at + 8,
          });
        },
      ),
      { numRuns: 12 },
    ));

  it('drops and moves spliced rows', async () => {
    const [encoded] = await tiny.decoder.encodeSegments(
      [{ tokens: randomTokens(6, 128, 1), keep: [0, 1, 2, 3, 4, 5] }],
      { prefix, rope: tiny.rope },
    );
    const rows = (encoded as { rows: KvRows }).rows;
    const ask = async (prepare: (context: ReturnType<Decoder['newContext']>) => void) => {
      const context = tiny.decoder.newContext(full(), 64, { rope: tiny.rope });
      await context.prefill(SINKS);
      prepare(context);
      context.skipTo(30);
      return context.decode(9);
    };
    const placed = await ask((context) => void context.splice(rows, 10, 'x'));
    const moved = await ask((context) => context.move(context.splice(rows, 3, 'x'), 7));
    const dropped = await ask((context) => expect(context.drop(context.splice(rows, 3, 'x'))).toBe(6));
    const never = await ask(() => undefined);
    expect(largestGap([moved], [placed])).toBeLessThan(1e-4);
    expect(largestGap([dropped], [never])).toBe(0);
    expect(largestGap([placed], [never])).toBeGreaterThan(1e-3);
  });
});

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

describe('segments', () => {
  it('are refused with the reason if they cannot be encoded', async () => {
    const tiny = await Tiny.open('llama2', 16);
    const encode = (tokens: number[], keep: number[], slotTokens?: number) =>
      tiny.decoder.encodeSegments([{ tokens, keep, ...(slotTokens ? { slotTokens } : {}) }]);
    await expect(encode([], [])).rejects.toMatchObject({ code: 'badInput' });
    await expect(encode([128], [])).rejects.toThrow(/token 0 is 128/);
    await expect(encode([1, 2], [2])).rejects.toThrow(/row 2/);
    await expect(encode([1, 2], [0], 4)).rejects.toThrow(/no memory slots/);
    await expect(
      tiny.decoder.encodeSegments([{ tokens: [1, 2], keep: [], slotTokens: 4, slotSet: 'dense' }]),
    ).rejects.toThrow(/no dense memory slots/);
    const stopped = tiny.decoder.encodeSegments([{ tokens: [1], keep: [] }], { signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
    expect(tokenAnchors([3])(3, 0)).toBe(true);
    await tiny.decoder.close();
  });
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
