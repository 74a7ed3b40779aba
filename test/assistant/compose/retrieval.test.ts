import { expect, test } from 'vitest';
import { fuseSpans } from '../../../src/assistant/compose/retrieval';
import type { Ranking } from '../../../src/assistant/compose/select';
import type { MemorySegment } from '../../../src/library/memories/memories';
import type { RankedSpan } from '../../../src/protocol';

const TEXT = 'first\nsecond\n';
const segment = (path: string, startLine = 1, endLine = 2): MemorySegment => ({ key: `${path}:${startLine}`, path, file: `/w/${path}`, startLine, endLine, start: 0, end: TEXT.length, tokens: 10, coarseRows: 1, fineRows: 1 });
const span = (path: string, score: number, startLine = 1, endLine = 2): RankedSpan => ({ path, file: `/w/${path}`, startLine, endLine, score, breadcrumb: [], reasons: [], text: TEXT, language: 'python' });
const library = { indexed: (path: string) => Promise.resolve(path === 'gone.py' ? undefined : { document: { file: `/w/${path}`, path, language: 'python', text: TEXT, hash: '' }, segmented: { segments: [{ startLine: 1, endLine: 2, start: 0, end: TEXT.length, kind: 'code' as const, symbols: [], breadcrumb: ['Outer'] }], symbols: [], imports: [], method: 'syntax' as const } }) };
const judge = (weight: number, ...keys: string[]): Ranking => ({ name: 'vector', keys, weight });
const paths = (spans: readonly RankedSpan[]): string[] => spans.map(({ path }) => path);

const SPANS = [span('a.py', 9), span('b.py', 8), span('c.py', 4)];
const SEGMENTS = ['a.py', 'b.py', 'c.py', 'd.py', 'gone.py'].map((path) => segment(path));

test('without another judge the order and the scores stay', async () => {
  expect(await fuseSpans(SPANS, SEGMENTS, [], library)).toEqual(SPANS);
});

test('a judge decides where the ranker hesitates, not where it is sure; the reason is said', async () => {
  const fused = await fuseSpans(SPANS, SEGMENTS, [judge(0.2, 'b.py:1', 'c.py:1')], library);
  expect(paths(fused)).toEqual(['b.py', 'a.py', 'c.py']);
  expect(fused[0]!.score).toBeCloseTo(8 * 1.2, 9);
  expect(fused[0]!.reasons).toEqual([{ kind: 'vector', text: 'near in meaning', weight: expect.closeTo(1.6, 9) as number }]);
  expect(fused[1]!.reasons).toEqual([]);
  expect(fused.map(({ score }) => score)).toEqual([...fused.map(({ score }) => score)].sort((x, y) => y - x));
});

test('a segment that no span holds stands behind them, whole, and one that is gone is left out', async () => {
  const fused = await fuseSpans(SPANS, SEGMENTS, [judge(5, 'gone.py:1', 'd.py:1')], library);
  expect(paths(fused)).toEqual(['a.py', 'b.py', 'c.py', 'd.py']);
  expect(fused[3]).toMatchObject({ text: TEXT, breadcrumb: ['Outer'], startLine: 1, endLine: 2 });
});

test('many segments of one span count once', async () => {
  const segments = [segment('b.py', 1, 1), segment('b.py', 2, 2), segment('a.py')];
  const fused = await fuseSpans([span('a.py', 2), span('b.py', 1)], segments, [judge(0.5, 'a.py:1', 'b.py:1', 'b.py:2')], library);
  expect(fused.map(({ score }) => score)).toEqual([3, expect.closeTo(1 + 0.5 / 1.1, 9)]);
});

test('where no word was found nothing is claimed to have been', async () => {
  expect(await fuseSpans([], SEGMENTS, [judge(1, 'a.py:1')], library)).toEqual([]);
});
