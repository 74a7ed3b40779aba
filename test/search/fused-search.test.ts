import { expect, test } from 'vitest';
import { fusedSpans, judge, judgesOf, type Judge } from '../../src/search/fused-search';
import type { Memories, MemorySegment } from '../../src/memory/memories';
import type { RankedSpan } from '../../src/protocol';

const TEXT = 'first\nsecond\n';
const segment = (path: string, startLine = 1, endLine = 2): MemorySegment => ({
  key: `${path}:${startLine}`,
  path,
  file: `/w/${path}`,
  hash: '',
  startLine,
  endLine,
  start: 0,
  end: TEXT.length,
  tokens: 10,
  coarseRows: 1,
  fineRows: 1,
});
const span = (path: string, score: number, startLine = 1, endLine = 2): RankedSpan => ({
  path,
  file: `/w/${path}`,
  startLine,
  endLine,
  score,
  breadcrumb: [],
  reasons: [],
  text: TEXT,
  language: 'python',
});
const library = {
  indexed: (path: string) =>
    Promise.resolve(
      path === 'gone.py'
        ? undefined
        : {
            document: { file: `/w/${path}`, path, language: 'python', text: TEXT, hash: '' },
            segmented: {
              segments: [
                {
                  startLine: 1,
                  endLine: 2,
                  start: 0,
                  end: TEXT.length,
                  kind: 'code' as const,
                  symbols: [],
                  breadcrumb: ['Outer'],
                },
              ],
              symbols: [],
              imports: [],
              method: 'syntax' as const,
            },
          },
    ),
};
const judging = (weight: number, values: Record<string, number>, scale?: Judge['scale']): Judge => ({
  kind: 'vector',
  text: 'near in meaning',
  weight,
  values: new Map(Object.entries(values)),
  ...(scale ? { scale } : {}),
});
const fuse = (
  spans: readonly RankedSpan[],
  segments: readonly MemorySegment[],
  ...judges: Judge[]
): Promise<readonly RankedSpan[]> => fusedSpans(judge(spans, segments, judges), spans.length, library);
const paths = (spans: readonly RankedSpan[]): string[] => spans.map(({ path }) => path);

const SPANS = [span('a.py', 9), span('b.py', 8), span('c.py', 4)];
const SEGMENTS = ['a.py', 'b.py', 'c.py', 'd.py', 'gone.py'].map((path) => segment(path));

test('without another judge the order and the scores stay', async () => {
  expect(await fuse(SPANS, SEGMENTS)).toEqual(SPANS);
});

test('a judge decides where the ranker hesitates, not where it is sure; the reason is said', async () => {
  const fused = await fuse(SPANS, SEGMENTS, judging(2, { 'a.py:1': 0.1, 'b.py:1': 0.9, 'c.py:1': 0.9 }));
  expect(paths(fused)).toEqual(['b.py', 'a.py', 'c.py']);
  expect(fused.map(({ score }) => score)).toEqual([10, 9, 6]);
  expect(fused[0]!.reasons).toEqual([{ kind: 'vector', text: 'near in meaning', weight: 2 }]);
  expect(fused[1]!.reasons).toEqual([]);
});

test('a judge with a scale of its own gives what that says, whoever else there is', async () => {
  const fused = await fuse(SPANS, SEGMENTS, judging(2, { 'a.py:1': 0.1, 'b.py:1': 0.25 }, { least: 0, most: 1 }));
  expect(fused.map(({ score }) => Number(score.toFixed(6)))).toEqual([9.2, 8.5, 4]);
});

test('a segment that no span holds stands with the last of them and may rise, and one that is gone is left out', async () => {
  const one = await fuse(SPANS, SEGMENTS, judging(1, { 'a.py:1': 0, 'gone.py:1': 1, 'd.py:1': 0.5 }));
  expect(paths(one)).toEqual(['a.py', 'b.py', 'd.py', 'c.py']);
  expect(one[2]).toMatchObject({ text: TEXT, breadcrumb: ['Outer'], startLine: 1, endLine: 2, score: 4.5 });
  expect(paths(await fuse(SPANS, SEGMENTS, judging(6, { 'a.py:1': 0, 'd.py:1': 1 })))).toEqual([
    'd.py',
    'a.py',
    'b.py',
    'c.py',
  ]);
});

test('a segment whose file has another text by now has no lines to show', async () => {
  const changed = { ...segment('d.py'), hash: 'before' };
  expect(paths(await fuse(SPANS, [segment('a.py'), changed], judging(6, { 'a.py:1': 0, 'd.py:1': 1 })))).toEqual([
    'a.py',
    'b.py',
    'c.py',
  ]);
});

test('many segments of one span count once, the best of them', async () => {
  const segments = [segment('b.py', 1, 1), segment('b.py', 2, 2), segment('a.py')];
  const fused = await fuse(
    [span('a.py', 2), span('b.py', 1)],
    segments,
    judging(2, { 'a.py:1': 1, 'b.py:1': 0.5, 'b.py:2': 0 }),
  );
  expect(fused.map(({ score }) => score)).toEqual([4, 2]);
});

test('judges that find all alike, or nothing, change nothing', async () => {
  expect(
    await fuse(SPANS, SEGMENTS.slice(0, 3), judging(3, { 'a.py:1': 1, 'b.py:1': 1, 'c.py:1': 1 }), judging(3, {})),
  ).toEqual(SPANS);
});

test('where no word was found nothing is claimed to have been', async () => {
  expect(await fuse([], SEGMENTS, judging(1, { 'a.py:1': 1, 'b.py:1': 0 }))).toEqual([]);
});

test('the model’s attention judges where it learnt to choose, and only there', async () => {
  const [first, second] = SEGMENTS as [MemorySegment, MemorySegment];
  const memories = {
    nearest: () => Promise.resolve([{ segment: first, similarity: 0.5 }]),
    attended: (_: unknown, selection: Float32Array) =>
      Promise.resolve([{ segment: second, similarity: selection[0] as number }]),
  } as unknown as Memories;
  const look = { vector: Float32Array.of(1), tokens: 3 };
  expect((await judgesOf(SEGMENTS, look, memories)).map(({ kind }) => kind)).toEqual(['vector']);
  const asked = await judgesOf(SEGMENTS, { ...look, selection: Float32Array.of(0.25) }, memories);
  expect(asked.map(({ kind, values }) => [kind, [...values]])).toEqual([
    ['vector', [['a.py:1', 0.5]]],
    ['attention', [['b.py:1', 0.25]]],
  ]);
});
