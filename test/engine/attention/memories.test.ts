import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Decoder } from '../../../src/engine';
import { anchors, compose, full, lambda, KvRows, tokenAnchors } from '../../../src/engine';
import { type ReferenceInput, type ReferenceRow } from './reference';
import { largestGap, randomTokens, Tiny } from '../tiny';
import { rowsGap } from './row-gap';

const SINKS = [5, 6, 7];

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
              eachQuery: i % 2 === 0,
            };
          });
          const encoded = await tiny.decoder.encodeSegments(inputs, { prefix, policy, rope: tiny.rope, batchRows });
          inputs.forEach((input, i) => {
            const tokens = [...SINKS, ...input.tokens];
            const anchor = tokens.map((token, t) => anchored && t >= SINKS.length && isAnchor(token));
            const group = anchor.map((_, t) => anchor.slice(0, t).filter(Boolean).length);
            const sees = (q: number, k: number) =>
              k < SINKS.length || group[q] === group[k] || (anchor[k] && !anchor[q]);
            // [layer][head][row]
            const { queryHeads, headDim } = tiny.decoder.config;
            const queries: Float64Array[][][] = [];
            const adapt: ReferenceInput['adapt'] = (layer, row, _, { q }) => {
              if (row < SINKS.length) return;
              for (let head = 0; head < queryHeads; head++)
                (((queries[layer] ??= [])[head] ??= []) as Float64Array[])[row - SINKS.length] = Float64Array.from(
                  q.slice(head * headDim, (head + 1) * headDim),
                );
            };
            const expected = tiny.reference({ tokens, distance: (q, k) => (sees(q, k) ? q - k : undefined), adapt });
            const result = encoded[i] as (typeof encoded)[number];
            if (input.eachQuery) {
              const all = queries.flat(2).flatMap((query) => [...query]);
              expect(largestGap([result.eachQuery as Float32Array], [all])).toBeLessThan(1e-4);
            } else expect(result.eachQuery).toBe(undefined);
            expect(
              rowsGap(
                result.rows,
                input.keep.map((t) => expected.rows[SINKS.length + t] as ReferenceRow),
              ),
            ).toBeLessThan(1e-4);
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
