import { describe, expect, it } from 'vitest';
import { SentenceVectors } from '../../../src/search/passages/sentence-vectors';

const encoder = (asked: string[][]) => ({
  sentences: (texts: readonly string[]) => {
    asked.push([...texts]);
    return Promise.resolve(texts.map((text) => Float32Array.from(text.includes('post') ? [1, 0] : [0, 1])));
  },
});

describe('SentenceVectors', () => {
  it('compares passages with the question, and encodes each text once', async () => {
    const asked: string[][] = [];
    const vectors = new SentenceVectors(() => encoder(asked), 1_000);
    expect(await vectors.similarities('post?', ['the post', 'a ship'])).toEqual([1, 0]);
    expect(await vectors.similarities('post?', ['a ship', 'a crane'])).toEqual([0, 0]);
    expect(asked).toEqual([['post?', 'the post', 'a ship'], ['a crane']]);
  });

  it('has none without an encoder, or when it fails or is late', async () => {
    expect(await new SentenceVectors(() => undefined, 1_000).similarities('q', ['a'])).toBeUndefined();
    const failing = { sentences: () => Promise.reject(new Error('gone')) };
    expect(await new SentenceVectors(() => failing, 1_000).similarities('q', ['a'])).toBeUndefined();
    const late = {
      sentences: (_: readonly string[], signal?: AbortSignal) =>
        new Promise<Float32Array[]>((_, reject) => signal?.addEventListener('abort', () => reject(new Error('late')))),
    };
    expect(await new SentenceVectors(() => late, 5).similarities('q', ['a'])).toBeUndefined();
  });

  it('passes on that the question was stopped', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    const failing = { sentences: () => Promise.reject(new Error('gone')) };
    await expect(new SentenceVectors(() => failing, 1_000).similarities('q', ['a'], signal)).rejects.toThrow('stopped');
  });
});
