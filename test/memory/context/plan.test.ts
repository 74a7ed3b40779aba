import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type MemorySegment, denseRowCount } from '../../../src/memory';
import { planContext } from '../../../src/memory/context/plan';

const segment = (path: string, n: number, tokens = 100, key = `${path}#${n}`): MemorySegment => ({
  key,
  path,
  file: `/w/${path}`,
  hash: '',
  startLine: n * 10 + 1,
  endLine: n * 10 + 10,
  start: 0,
  end: 1,
  tokens,
  coarseRows: Math.ceil(tokens / 256),
  fineRows: Math.ceil(tokens / 32),
});

describe('planContext', () => {
  test('reads the best in full next to the question, the next best in fine rows, and the rest in coarse rows', () => {
    const segments = Array.from({ length: 8 }, (_, i) => segment(`f${i}.ts`, 0));
    const scores = new Map(segments.slice(0, 4).map(({ key }, i) => [key, 4 - i]));
    const plan = planContext(segments, scores, { rows: 1_000, fullRows: 240, fineRows: 8 });
    expect(plan.part).toBe(undefined);
    expect(plan.full.map(({ path }) => path)).toEqual(['f1.ts', 'f0.ts']);
    expect(plan.fine.map(({ path }) => path)).toEqual(['f2.ts', 'f3.ts']);
    expect(plan.coarse.flatMap((group) => group.segments.map(({ path }) => path))).toEqual([
      'f4.ts',
      'f5.ts',
      'f6.ts',
      'f7.ts',
    ]);
    expect(plan.coarse.every(({ folded }) => !folded)).toBe(true);
  });

  test('reads a part of the first segment that is too long, and represents its rest by fine rows', () => {
    const segments = [segment('a.ts', 0), segment('b.ts', 0, 600), segment('c.ts', 0, 80)];
    const scores = new Map(segments.map(({ key }, i) => [key, 3 - i]));
    const plan = planContext(segments, scores, { rows: 1_000, fullRows: 300, fineRows: 40 });
    expect(plan.full.map(({ path }) => path)).toEqual(['a.ts']);
    expect(plan.part).toMatchObject({ segment: { path: 'b.ts' }, tokens: 200 });
    expect(plan.fine.map(({ path }) => path)).toEqual(['c.ts']);
    // The room is too small for a part, so shorter segments are read whole instead.
    expect(planContext(segments, scores, { rows: 1_000, fullRows: 140, fineRows: 40 })).toMatchObject({
      full: [{ path: 'a.ts' }],
    });
    const small = planContext([segment('b.ts', 0, 600), segment('c.ts', 0, 30)], scores, {
      rows: 1_000,
      fullRows: 40,
      fineRows: 40,
    });
    expect(small).toMatchObject({ full: [{ path: 'c.ts' }], fine: [{ path: 'b.ts' }] });
    expect(small.part).toBe(undefined);
  });

  test('puts stretches of segments almost as good as the best in dense rows, after the full ones, best last', () => {
    const segments = Array.from({ length: 8 }, (_, i) => segment(`f${i}.ts`, 0));
    const scores = new Map(segments.slice(0, 6).map(({ key }, i) => [key, 10 - i]));
    const dense = { ratio: { segmentTokens: 256, rowTokens: 8 }, segments: 2, stretch: 64, likely: 0.5, tokens: 1_000 };
    const paths = (plan: ReturnType<typeof planContext>): Record<string, string[]> => ({
      full: plan.full.map(({ path }) => path),
      dense: plan.dense.map((each) => each.segment.path),
      fine: plan.fine.map(({ path }) => path),
      coarse: plan.coarse.flatMap((group) => group.segments.map(({ path }) => path)),
    });
    const budget = { rows: 1_000, fullRows: 140, fineRows: 16, dense };
    const plan = planContext(segments, scores, budget);
    // Four fine rows each. Fine rows represent the rest of segments in dense rows.
    expect(paths(plan)).toEqual({
      full: ['f0.ts'],
      dense: ['f2.ts', 'f1.ts'],
      fine: ['f3.ts', 'f4.ts'],
      coarse: ['f5.ts', 'f6.ts', 'f7.ts'],
    });
    expect(plan.dense.map(({ tokens }) => tokens)).toEqual([64, 64]);
    expect(paths(planContext(segments, scores, { ...budget, fullRows: 0 })).dense).toEqual(['f1.ts', 'f0.ts']);
    expect(paths(planContext(segments, scores, { ...budget, dense: { ...dense, likely: 0.95 } })).dense).toEqual([
      'f1.ts',
    ]);
    expect(paths(planContext(segments, scores, { ...budget, dense: { ...dense, tokens: 200 } })).dense).toEqual([
      'f1.ts',
    ]);
    expect(paths(planContext(segments, scores, { ...budget, fineRows: 7 }))).toMatchObject({
      dense: ['f1.ts'],
      fine: [],
    });
    // A segment no longer than a stretch has dense rows for its whole text.
    expect(
      planContext(segments, scores, { ...budget, fineRows: 0, dense: { ...dense, stretch: 128 } }).dense.map(
        ({ tokens }) => tokens,
      ),
    ).toEqual([100, 100]);
    const { dense: _, ...without } = budget;
    expect(paths(planContext(segments, scores, without))).toMatchObject({
      full: ['f0.ts'],
      dense: [],
      fine: ['f1.ts', 'f2.ts', 'f3.ts', 'f4.ts'],
    });
  });

  test('folds files furthest from the question first, then folders', () => {
    const segments = ['a/x.ts', 'a/y.ts', 'b/z.ts'].flatMap((path) => [0, 1, 2].map((n) => segment(path, n)));
    const scores = new Map([['b/z.ts#0', 1]]);
    const some = planContext(segments, scores, { rows: 6, fullRows: 0, fineRows: 0 });
    expect(some.coarse.map(({ folded, rows, segments: [first] }) => [first?.path, folded, rows])).toEqual([
      ['a/x.ts', true, 1],
      ['a/y.ts', true, 1],
      ['b/z.ts', false, 1],
      ['b/z.ts', false, 1],
      ['b/z.ts', false, 1],
    ]);
    const folders = planContext(segments, scores, { rows: 2, fullRows: 0, fineRows: 0 });
    expect(folders.coarse.map(({ rows, segments: own }) => [rows, own.length])).toEqual([
      [1, 6],
      [1, 3],
    ]);
    expect(planContext(segments, scores, { rows: 1, fullRows: 100, fineRows: 8 }).coarse).toHaveLength(1);
  });

  test('never exceeds its rows, and plans every text of the workspace exactly once', () => {
    const made = fc.array(
      fc.tuple(
        fc.constantFrom('a/b/c.ts', 'a/b/d.ts', 'a/e.ts', 'f.ts', 'g/h/i/j.ts'),
        fc.integer({ min: 1, max: 900 }),
        fc.nat(40),
      ),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(
        made,
        fc.integer({ min: 1, max: 400 }),
        fc.nat(300),
        fc.nat(60),
        fc.nat(200),
        fc.nat(600),
        (parts, rows, fullRows, fineRows, stretch, tokens) => {
          const segments = parts.map(([path, tokens, id], n) =>
            segment(path, n, id === 0 ? 100 : tokens, id === 0 ? 'the same text' : `${n}`),
          );
          const scores = new Map(parts.flatMap(([, , id], n) => (id > 20 ? [[`${n}`, id] as const] : [])));
          const ratio = { segmentTokens: 256, rowTokens: 8 };
          const plan = planContext(segments, scores, {
            rows,
            fullRows,
            fineRows,
            dense: { ratio, segments: 3, stretch: 1 + stretch, likely: 0.4, tokens },
          });
          const opened = plan.dense.reduce(
            (sum, { segment: own, tokens: some }) =>
              sum + denseRowCount(some, ratio) + (some < own.tokens ? own.fineRows : 0),
            0,
          );
          expect(plan.dense.length).toBeLessThanOrEqual(3);
          const encoded = (some: readonly { tokens: number }[]): number =>
            some.reduce((sum, each) => sum + each.tokens, 0);
          if (plan.dense.length > 0)
            expect(encoded(plan.dense) + encoded(plan.full) + (plan.part?.tokens ?? 0)).toBeLessThanOrEqual(tokens);
          const used =
            opened +
            plan.coarse.reduce((sum, group) => sum + group.rows, 0) +
            plan.fine.reduce((sum, each) => sum + each.fineRows, 0) +
            plan.full.reduce((sum, each) => sum + each.tokens, 0) +
            (plan.part ? plan.part.tokens + plan.part.segment.fineRows : 0);
          if (plan.part) expect(plan.part.tokens).toBeLessThan(plan.part.segment.tokens);
          expect(used).toBeLessThanOrEqual(rows);
          const held = [
            ...plan.coarse.flatMap((group) => group.segments),
            ...plan.fine,
            ...plan.dense.map((each) => each.segment),
            ...plan.full,
            ...(plan.part ? [plan.part.segment] : []),
          ].map(({ key }) => key);
          expect(held.sort()).toEqual([...new Set(segments.map(({ key }) => key))].sort());
        },
      ),
      { numRuns: 300 },
    );
  });
});
