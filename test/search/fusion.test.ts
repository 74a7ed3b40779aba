import { expect, test } from 'vitest';
import type { MemorySegment } from '../../src/memory';
import { SEARCH_WEIGHTS } from '../../src/search';
import { spansOf } from '../../src/search/candidate-spans';
import { fuse as fuseCandidates, runScorers, type ScorerResult } from '../../src/search/fusion';
import { analyseQuestion } from '../../src/search/query/analysis';
import { SCORERS, type Scores } from '../../src/search/scorers';
import { lexicalScorer } from '../../src/search/scorers/lexical';
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
const scoring = (
  weight: number,
  values: Record<string, number>,
  scale: Scores['scale'] = 'candidates',
): ScorerResult => ({
  scorer: {
    name: 'lateInteraction',
    reason: { kind: 'late', text: 'words close together' },
    score: () => Promise.resolve(undefined),
  },
  weight,
  scores: { segments: new Map(Object.entries(values)), scale },
});
async function fuse(
  spans: readonly RankedSpan[],
  segments: readonly MemorySegment[],
  ...results: ScorerResult[]
): Promise<readonly RankedSpan[]> {
  const input = { question: analyseQuestion('a question'), spans, segments, weights: SEARCH_WEIGHTS };
  const lexical = await runScorers([lexicalScorer], input);
  return spansOf(fuseCandidates(input, [...lexical, ...results], SEARCH_WEIGHTS), library, SEARCH_WEIGHTS.limits.spans);
}
const paths = (spans: readonly RankedSpan[]): string[] => spans.map(({ path }) => path);

const SPANS = [span('a.py', 9), span('b.py', 8), span('c.py', 4)];
const SEGMENTS = ['a.py', 'b.py', 'c.py', 'd.py', 'gone.py'].map((path) => segment(path));

test('a segment outside all spans counts less when the question does not ask for its kind of file', async () => {
  const score = async (path: string): Promise<number> => {
    const input = {
      question: analyseQuestion('how do letters expire'),
      spans: SPANS,
      segments: [],
      weights: SEARCH_WEIGHTS,
    };
    return (await lexicalScorer.score(input))?.otherwise?.(segment(path)) ?? NaN;
  };
  expect(await score('src/z.py')).toBe(Math.min(...SPANS.map((each) => each.score)));
  expect(await score('docs/z.md')).toBeLessThan(await score('src/z.py'));
});

test('the lexical scorer alone keeps the order and the scores', async () => {
  expect(await fuse(SPANS, SEGMENTS)).toEqual(SPANS);
});

test('another scorer decides where the lexical scores are close, and is shown as a reason', async () => {
  const fused = await fuse(SPANS, SEGMENTS, scoring(2, { 'a.py:1': 0.1, 'b.py:1': 0.9, 'c.py:1': 0.9 }));
  expect(paths(fused)).toEqual(['b.py', 'a.py', 'c.py']);
  expect(fused.map(({ score }) => score)).toEqual([10, 9, 6]);
  expect(fused[0]!.reasons).toEqual([{ kind: 'late', text: 'words close together', weight: 2 }]);
  expect(fused[1]!.reasons).toEqual([]);
});

test('what is encoded first does not come first while the rest is not', async () => {
  const input = {
    question: analyseQuestion('a question'),
    spans: SPANS,
    segments: SEGMENTS.filter(({ path }) => path === 'b.py' || path === 'c.py' || path === 'd.py'),
    weights: SEARCH_WEIGHTS,
  };
  const results = [
    ...(await runScorers([lexicalScorer], input)),
    scoring(6, { 'b.py:1': 0.1, 'c.py:1': 0.9, 'd.py:1': 0.9 }),
  ];
  const ranked = (isPartial: boolean) => fuseCandidates(input, results, SEARCH_WEIGHTS, isPartial);
  expect(ranked(false).map(({ span: found, segments }) => found?.path ?? segments[0]?.path)).toEqual([
    'c.py',
    'd.py',
    'a.py',
    'b.py',
  ]);
  // Two of three spans are known: 4 points, of which the unknown one gets the mean, 2.
  expect(ranked(true).map(({ span: found, score }) => [found?.path, score])).toEqual([
    ['a.py', 11],
    ['b.py', 8],
    ['c.py', 8],
  ]);
  expect(ranked(true)[0]?.reasons).toEqual([]);
});

test('a fixed scale gives the same share whatever the other candidates are', async () => {
  const fused = await fuse(SPANS, SEGMENTS, scoring(2, { 'a.py:1': 0.1, 'b.py:1': 0.25 }, { least: 0, most: 1 }));
  expect(fused.map(({ score }) => Number(score.toFixed(6)))).toEqual([9.2, 8.5, 4]);
});

test('a segment outside all spans starts with the score of the last span; a missing segment is omitted', async () => {
  const one = await fuse(SPANS, SEGMENTS, scoring(1, { 'a.py:1': 0, 'gone.py:1': 1, 'd.py:1': 0.5 }));
  expect(paths(one)).toEqual(['a.py', 'b.py', 'd.py', 'c.py']);
  expect(one[2]).toMatchObject({ text: TEXT, breadcrumb: ['Outer'], startLine: 1, endLine: 2, score: 4.5 });
  expect(paths(await fuse(SPANS, SEGMENTS, scoring(6, { 'a.py:1': 0, 'd.py:1': 1 })))).toEqual([
    'd.py',
    'a.py',
    'b.py',
    'c.py',
  ]);
});

test('a segment whose file has changed is omitted', async () => {
  const changed = { ...segment('d.py'), hash: 'before' };
  expect(paths(await fuse(SPANS, [segment('a.py'), changed], scoring(6, { 'a.py:1': 0, 'd.py:1': 1 })))).toEqual([
    'a.py',
    'b.py',
    'c.py',
  ]);
});

test('a span has the share of its best segment', async () => {
  const segments = [segment('b.py', 1, 1), segment('b.py', 2, 2), segment('a.py')];
  const fused = await fuse(
    [span('a.py', 2), span('b.py', 1)],
    segments,
    scoring(2, { 'a.py:1': 1, 'b.py:1': 0.5, 'b.py:2': 0 }),
  );
  expect(fused.map(({ score }) => score)).toEqual([4, 2]);
});

test('a scorer with equal values, or none, changes nothing', async () => {
  expect(
    await fuse(SPANS, SEGMENTS.slice(0, 3), scoring(3, { 'a.py:1': 1, 'b.py:1': 1, 'c.py:1': 1 }), scoring(3, {})),
  ).toEqual(SPANS);
});

test('a question without matching words has no results', async () => {
  expect(await fuse([], SEGMENTS, scoring(1, { 'a.py:1': 1, 'b.py:1': 0 }))).toEqual([]);
});

test('values of spans count like values of segments', async () => {
  const [a, b] = SPANS as [RankedSpan, RankedSpan];
  const result = scoring(3, {}, { least: 0, most: 1 });
  const fused = await fuse(SPANS, [], {
    ...result,
    scores: { spans: new Map([[b, 1]]), scale: { least: 0, most: 1 } },
  });
  expect(paths(fused)).toEqual([b.path, a.path, 'c.py']);
});

test('scorers run if they have a weight and can score the question', async () => {
  const second = SEGMENTS[1] as MemorySegment;
  const scores = new Map([[second.key, { segment: 1, passage: 1, tokenRun: 1 }]]);
  const lateScores = () => Promise.resolve({ segments: SEGMENTS, scores });
  const input = { question: analyseQuestion('a question'), spans: SPANS, segments: SEGMENTS, weights: SEARCH_WEIGHTS };
  const names = async (more: object): Promise<string[]> =>
    (await runScorers(SCORERS, { ...input, ...more })).map(({ scorer }) => scorer.name);
  const embedding = { tokens: 3 };
  expect(await names({})).toEqual(['lexical']);
  const late = ['lateInteraction', 'tokenRun'];
  expect(await names({ memory: { similarities: () => Promise.resolve(undefined), embedding, lateScores } })).toEqual([
    'lexical',
    ...late,
  ]);
  const similarities = () => Promise.resolve(Float32Array.of(0.5, NaN, NaN, NaN, NaN));
  const memory = { similarities, embedding, lateScores };
  expect(await names({ memory })).toEqual(['lexical', 'passage', ...late]);
  const weights = { ...SEARCH_WEIGHTS, scorers: { ...SEARCH_WEIGHTS.scorers, tokenRun: 0 } };
  expect(await names({ memory, weights })).toEqual(['lexical', 'passage', 'lateInteraction']);
});
