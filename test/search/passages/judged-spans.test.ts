import { describe, expect, it } from 'vitest';
import type { RankedSpan } from '../../../src/protocol';
import { withSimilarities } from '../../../src/search/passages/judged-spans';
import { SentenceVectors } from '../../../src/search/passages/sentence-vectors';

const spanOf = (text: string, similarity?: number): RankedSpan => ({
  file: '/a.ts',
  path: 'a.ts',
  startLine: 1,
  endLine: 2,
  score: 1,
  breadcrumb: [],
  reasons: [],
  text,
  language: 'typescript',
  ...(similarity === undefined ? {} : { similarity }),
});

const near = (word: string, asked: string[] = []): SentenceVectors =>
  new SentenceVectors(
    () => ({
      sentences: (texts) => {
        asked.push(...texts);
        return Promise.resolve(
          texts.map((text) => Float32Array.from(text.includes(word) || text.endsWith('?') ? [1, 0] : [0, 1])),
        );
      },
    }),
    1_000,
  );

describe('spans without a similarity', () => {
  it('get that of their nearest part', async () => {
    const spans = [spanOf(`${' '.repeat(1_500)}post`), spanOf('letter'), spanOf('known', 0.3)];
    const judged = await withSimilarities(spans, 'What?', near('post'), { most: 3 });
    expect(judged.map(({ similarity }) => similarity)).toEqual([1, 0, 0.3]);
  });

  it('are few: later ones and long ones are left', async () => {
    const asked: string[] = [];
    const spans = [spanOf('post'), spanOf('x'.repeat(30_000)), spanOf('post')];
    const judged = await withSimilarities(spans, 'What?', near('post', asked), { most: 2 });
    expect(judged.map(({ similarity }) => similarity)).toEqual([1, undefined, undefined]);
    expect(asked).toHaveLength(2);
  });

  it('stay as they are without an encoder', async () => {
    const spans = [spanOf('post')];
    expect(await withSimilarities(spans, 'What?', new SentenceVectors(() => undefined, 1_000), { most: 3 })).toEqual(
      spans,
    );
  });
});
