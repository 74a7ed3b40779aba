import { expect, test } from 'vitest';
import type { RankedSpan } from '../../../src/protocol';
import { SEARCH_WEIGHTS } from '../../../src/search';
import { analyseQuestion } from '../../../src/search/query/analysis';
import type { Scores } from '../../../src/search/scorers';
import { phraseScorer } from '../../../src/search/scorers/phrase';

const SPANS = ['raise Error("No such\n    file found")', 'no file such as this'].map((text): RankedSpan => ({
  file: '/w/a.py',
  path: 'a.py',
  startLine: 1,
  endLine: 2,
  score: 1,
  breadcrumb: [],
  reasons: [],
  text,
  language: 'python',
}));
const scored = (question: string): Promise<Scores | undefined> =>
  phraseScorer.score({ question: analyseQuestion(question), spans: SPANS, segments: [], weights: SEARCH_WEIGHTS });

test('a span scores the share of the quoted phrases it contains, ignoring case and line breaks', async () => {
  const values = async (question: string) => [...((await scored(question))?.spans?.values() ?? [])];
  expect(await values('where is "no such file" raised')).toEqual([1, 0]);
  expect(await values('is it "no such file" or "such as this"')).toEqual([0.5, 0.5]);
});

test('without quotes a span scores the share of the question’s words in its longest run, from four on', async () => {
  const values = async (question: string) => [...((await scored(question))?.spans?.values() ?? [])];
  expect(await values('error("no such file found")')).toEqual([1, 0]);
  expect(await values('what says no file such as this?')).toEqual([0, 5 / 7]);
  expect(await scored('no such file')).toBeUndefined();
});

test('a question without a quoted phrase or such a run is not scored', async () => {
  expect(await scored('where is "file" raised')).toBeUndefined();
});
