import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContextLedger, LedgerGroup } from '../../src/protocol';
import { KIND_ORDER } from '../../src/webview/cache/kinds';
import {
  fileTotals,
  kindTotals,
  keptTokens,
  layoutBlocks,
  originsOf,
  totals,
} from '../../src/webview/cache/strip-layout';

const group: fc.Arbitrary<LedgerGroup> = fc
  .record({
    kind: fc.constantFrom(...KIND_ORDER),
    rows: fc.integer({ min: 0, max: 300 }),
    tokens: fc.integer({ min: 0, max: 100_000 }),
    bytes: fc.integer({ min: 0, max: 1 << 20 }),
    span: fc.option(
      fc.record({
        file: fc.constantFrom('/a', '/b', '/c'),
        path: fc.constantFrom('a', 'b'),
        startLine: fc.integer({ min: 1, max: 9 }),
        endLine: fc.integer({ min: 9, max: 20 }),
      }),
      { nil: undefined },
    ),
  })
  .map(({ span, ...rest }) => (span ? { ...rest, span } : rest));
const ledger: fc.Arbitrary<ContextLedger> = fc.record({
  groups: fc.array(group, { maxLength: 200 }),
  capacityRows: fc.integer({ min: 0, max: 8192 }),
  bytesPerRow: fc.constant(512),
});

describe('layoutBlocks', () => {
  it('has every group once, in the order of kinds, without gaps in the bar', () => {
    fc.assert(
      fc.property(ledger, fc.double({ min: 0.0001, max: 0.05, noNaN: true }), (given, least) => {
        const blocks = layoutBlocks(given, least);
        expect(blocks.reduce((sum, block) => sum + block.groups.length, 0)).toBe(given.groups.length);
        expect(blocks.map(({ kind }) => KIND_ORDER.indexOf(kind))).toEqual(
          [...blocks.map(({ kind }) => KIND_ORDER.indexOf(kind))].sort((a, b) => a - b),
        );
        let [row, token] = [0, 0];
        for (const block of blocks) {
          expect(block.rowStart).toBeCloseTo(row, 9);
          expect(block.tokenStart).toBeCloseTo(token, 9);
          [row, token] = [block.rowEnd, block.tokenEnd];
        }
        expect(row).toBeLessThanOrEqual(1 + 1e-9);
        if (totals(given).tokens > 0) expect(token).toBeCloseTo(1, 9);
      }),
    );
  });

  it('makes no more blocks than fit visibly', () => {
    const groups = Array.from({ length: 20_000 }, (): LedgerGroup => ({
      kind: 'coarse',
      rows: 1,
      tokens: 256,
      bytes: 512,
    }));
    const blocks = layoutBlocks({ groups, capacityRows: 20_000, bytesPerRow: 512 }, 3 / 600);
    expect(blocks.length).toBeLessThanOrEqual(200);
    expect(blocks.length).toBeGreaterThan(100);
  });
});

describe('tokens kept from earlier questions', () => {
  const of = (origin: LedgerGroup['origin'], tokens: number): LedgerGroup => ({
    kind: 'full',
    rows: tokens,
    tokens,
    bytes: 0,
    ...(origin ? { origin } : {}),
  });
  const groups = [of('memory', 300), of('computed', 200), of('memory', 50), of(undefined, 9)];

  it('are those of rows that were not read again', () => {
    const cache = { hits: 2, misses: 1, evictions: 0 };
    expect(keptTokens({ groups, capacityRows: 1_000, bytesPerRow: 1, cache })).toBe(350);
  });

  it('are not told without a cache', () => {
    expect(keptTokens({ groups, capacityRows: 1_000, bytesPerRow: 1 })).toBeUndefined();
  });
});

describe('totals', () => {
  it('are equal by kind and by file', () => {
    fc.assert(
      fc.property(ledger, (given) => {
        const all = totals(given);
        expect(kindTotals(given).reduce((sum, { tokens }) => sum + tokens, 0)).toBe(all.tokens);
        const placed = given.groups.filter(({ span }) => span).reduce((sum, { rows }) => sum + rows, 0);
        expect(fileTotals(given).reduce((sum, { rows }) => sum + rows, 0)).toBe(placed);
        expect(all.freeRows).toBe(Math.max(0, given.capacityRows - all.rows));
      }),
    );
  });
});

describe('originsOf', () => {
  const from = (origin: LedgerGroup['origin'], rows: number): LedgerGroup => ({
    kind: 'full',
    rows,
    tokens: rows,
    bytes: 0,
    ...(origin ? { origin } : {}),
  });

  it('lists each origin once, most rows first', () => {
    expect(originsOf([from('computed', 5), from('memory', 4), from('memory', 4)])).toEqual(['memory', 'computed']);
    expect(originsOf([from(undefined, 5)])).toEqual([]);
  });
});
