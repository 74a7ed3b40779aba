import { expect, test } from 'vitest';
import type { MemorySegment } from '../../../src/memory';
import type { ComposeReading } from '../../../src/protocol/memory';
import { ledgerOf, type ContextParts } from '../../../src/memory/context/ledger';

const segment = (path: string, tokens: number): MemorySegment => ({
  key: path,
  path,
  file: `/w/${path}`,
  hash: '',
  startLine: 1,
  endLine: 40,
  start: 0,
  end: 1,
  tokens,
  coarseRows: 1,
  fineRows: Math.ceil(tokens / 32),
});
const reading = (
  full: ComposeReading['rows']['full'],
  dense: ComposeReading['rows']['dense'] = [],
): ComposeReading => ({
  held: true,
  positions: 40,
  rows: { sinks: 4, coarse: 1, fine: 14, question: 6, compressed: { rows: 0, tokens: 0 }, answer: 0, dense, full },
  bytesPerRow: 10,
  timing: { splice: 1, read: 1, decode: 0, firstToken: 2 },
  cache: { hits: 0, misses: 1, evictions: 0 },
});
const parts: ContextParts = {
  coarse: [{ segments: [segment('far.ts', 500)], folded: false, rows: 1 }],
  fine: [segment('near.ts', 90)],
  dense: [],
  full: [segment('best.ts', 100)],
  gone: [],
  part: { segment: segment('long.ts', 350), key: 'long.ts:5-90', startLine: 11, endLine: 20 },
};

test('lists the lines read from a segment as a group of their own, and counts every token once', () => {
  const { groups, left } = ledgerOf(
    parts,
    reading([
      { key: 'long.ts:5-90', rows: 120, tokens: 120, origin: 'computed' },
      { key: 'best.ts', rows: 100, tokens: 100, origin: 'memory' },
    ]),
    4_096,
  );
  expect(left).toBe(undefined);
  const own = groups.filter(({ span }) => span?.path === 'long.ts');
  expect(own).toMatchObject([
    { kind: 'fine', rows: 11, tokens: 230, span: { startLine: 1, endLine: 40 } },
    { kind: 'full', rows: 120, tokens: 120, span: { startLine: 11, endLine: 20 } },
  ]);
  expect(groups.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(4 + 500 + 90 + 350 + 100 + 6);
});

test('names selected segments that are not read, and shows unread rest in fine rows', () => {
  const { groups, left } = ledgerOf(
    { ...parts, gone: [segment('gone.ts', 10)] },
    reading([
      { key: 'long.ts:5-90', rows: 0, tokens: 0, origin: 'left' },
      { key: 'best.ts', rows: 0, tokens: 0, origin: 'left' },
    ]),
    4_096,
  );
  expect(left?.map(({ path }) => path)).toEqual(['best.ts', 'gone.ts']);
  expect(groups.filter(({ span }) => span?.path === 'long.ts')).toMatchObject([{ kind: 'fine', tokens: 350 }]);
  expect(groups.some(({ kind }) => kind === 'full')).toBe(false);
});

test('lists a stretch in dense rows before full segments, and names segments without room', () => {
  const dense = [
    { segment: segment('short.ts', 60), key: 'short.ts', rest: false },
    { segment: segment('other.ts', 200), key: 'other.ts:0+64', rest: true },
    { segment: segment('likely.ts', 120), key: 'likely.ts:32+64', rest: true },
  ];
  const said = reading(
    [{ key: 'best.ts', rows: 100, tokens: 100, origin: 'memory' }],
    [
      { key: 'short.ts', rows: 0, tokens: 0, origin: 'left' },
      { key: 'other.ts:0+64', rows: 0, tokens: 0, origin: 'left' },
      { key: 'likely.ts:32+64', rows: 8, tokens: 64, origin: 'computed', lines: [9, 13] },
    ],
  );
  const { groups, left } = ledgerOf({ ...parts, dense }, said, 4_096);
  expect(groups.map(({ kind }) => kind)).toEqual([
    'sinks',
    'coarse',
    'fine',
    'fine',
    'fine',
    'fine',
    'dense',
    'full',
    'question',
  ]);
  expect(groups.filter(({ span }) => span?.path === 'likely.ts')).toMatchObject([
    { kind: 'fine', rows: 4, tokens: 56 },
    {
      kind: 'dense',
      rows: 8,
      tokens: 64,
      bytes: 80,
      origin: 'computed',
      span: { file: '/w/likely.ts', startLine: 10, endLine: 14 },
    },
  ]);
  expect(groups.filter(({ span }) => span?.path === 'other.ts')).toMatchObject([{ kind: 'fine', tokens: 200 }]);
  expect(left?.map(({ path }) => path)).toEqual(['short.ts']);
});

test('gives a stretch of a text its lines, within its segment', () => {
  const said = (lines?: readonly [number, number]): ComposeReading['rows']['dense'] => [
    { key: 'likely.ts:7-90', rows: 8, tokens: 64, origin: 'computed', ...(lines ? { lines } : {}) },
  ];
  const span = (own: Pick<ContextParts['dense'][number], 'lines'>, dense: ComposeReading['rows']['dense']) =>
    ledgerOf(
      {
        ...parts,
        dense: [
          {
            segment: { ...segment('likely.ts', 120), startLine: 21, endLine: 40 },
            key: 'likely.ts:7-90',
            rest: true,
            ...own,
          },
        ],
      },
      reading([], dense),
      4_096,
    ).groups.find(({ kind }) => kind === 'dense')?.span;
  expect(span({ lines: [3, 5] }, said())).toMatchObject({ startLine: 24, endLine: 26 });
  expect(span({}, said([18, 30]))).toMatchObject({ startLine: 39, endLine: 40 });
  expect(span({}, said())).toMatchObject({ startLine: 21, endLine: 40 });
});
