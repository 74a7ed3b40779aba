import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LexicalIndex } from '../../../src/workspace/lexical/lexical-index';
import { textTerms } from '../../../src/workspace/lexical/terms';
import type { FieldWeights } from '../../../src/workspace/lexical/types';
import { UnreadDocuments } from '../../../src/workspace/lexical/unread-documents';
import { makeDocument } from './fixture';

const WEIGHTS: FieldWeights = { k1: 1.2, b: 0.75, body: 1, symbol: 2, doc: 1, breadcrumb: 0.5, path: 3 };
const OPTIONS = { documents: WEIGHTS, segments: { ...WEIGHTS, path: 0 }, limit: 100, segmentsPerDocument: 100 };
const query = (...terms: string[]): { term: string; weight: number }[] => terms.map((term) => ({ term, weight: 1 }));

describe('search', () => {
  it('scores documents as BM25F computed by hand', () => {
    const index = LexicalIndex.inMemory();
    const texts = {
      'a/one.py': 'alpha beta beta\ngamma',
      'b/two.py': 'beta delta delta delta\ndelta',
      'c/three.py': 'epsilon\ndef alpha\nzeta',
    };
    for (const [path, text] of Object.entries(texts)) {
      const { document, segmented } = makeDocument(path, text, 10);
      index.add(path, document, segmented);
    }
    const lengths = [4, 5, 4]; // Number of tokens; "def" counts.
    const average = 13 / 3;
    const idf = (n: number): number => Math.log(1 + (3 - n + 0.5) / (n + 0.5));
    const frequency = (f: number, length: number): number => f / (1 - WEIGHTS.b + (WEIGHTS.b * length) / average);
    const saturate = (f: number): number => f / (WEIGHTS.k1 + f);
    const expected = new Map([
      [
        'a/one.py',
        idf(2) * saturate(frequency(1, lengths[0] as number)) + idf(2) * saturate(frequency(2, lengths[0] as number)),
      ],
      ['b/two.py', idf(2) * saturate(frequency(1, lengths[1] as number))],
      ['c/three.py', idf(2) * saturate(frequency(1 + WEIGHTS.symbol, lengths[2] as number))],
    ]);
    const result = index.search(query('alpha', 'beta'), OPTIONS);
    for (const hit of result.documents) expect(hit.score).toBeCloseTo(expected.get(hit.path) as number, 5);
    expect(result.documents).toHaveLength(3);
    expect(result.documentIdf[0]).toBeCloseTo(idf(2), 6);
  });

  it('finds path words, reports the fields of a term, and counts a file name', () => {
    const index = LexicalIndex.inMemory();
    const { document, segmented } = makeDocument('net/http_session.py', 'pass\n# sends requests\ndef open_session\nx');
    index.add('net/http_session.py', document, segmented);
    const [hit] = index.search(
      query('session', 'request', 'net', 'missing', '=opensession', '=httpsession'),
      OPTIONS,
    ).documents;
    expect(hit).toMatchObject({
      path: 'net/http_session.py',
      symbol: 0b010001,
      doc: 0b000010,
      inPath: 0b100101,
      matched: 0b110111,
    });
    expect(hit?.segments[0]).toMatchObject({ ordinal: 0, startLine: 1, endLine: 3, symbol: 0b010001 });
  });

  it('counts an alternative as its share of the term, under one document frequency', () => {
    const index = LexicalIndex.inMemory();
    for (const [path, text] of [
      ['a', 'config'],
      ['b', 'configuration'],
    ] as const) {
      const { document, segmented } = makeDocument(path, text);
      index.add(path, document, segmented);
    }
    const { documents, documentIdf } = index.search(
      [{ term: 'configur', weight: 1, alternatives: [{ term: 'config', weight: 0.5 }] }],
      OPTIONS,
    );
    expect(documents.map((hit) => hit.path)).toEqual(['b', 'a']);
    expect(documentIdf).toEqual([Math.log(1 + 0.5 / 2.5)]);
  });

  it('returns only the newest version of documents within the scope', () => {
    const index = LexicalIndex.inMemory();
    const add = (path: string, text: string): void => {
      const { document, segmented } = makeDocument(path, text);
      index.add(path, document, segmented);
    };
    add('src/a.py', 'needle');
    add('lib/b.py', 'needle');
    expect(
      index
        .search(query('needl'), { ...OPTIONS, filter: (path) => path.startsWith('lib/') })
        .documents.map((hit) => hit.path),
    ).toEqual(['lib/b.py']);
    add('src/a.py', 'haystack');
    expect(index.search(query('needl'), OPTIONS).documents.map((hit) => hit.path)).toEqual(['lib/b.py']);
    expect(index.remove('lib/b.py')).toBe(true);
    expect(index.remove('lib/b.py')).toBe(false);
    expect(index.search(query('needl'), OPTIONS).documents).toEqual([]);
  });

  it('accepts an empty query, an empty index and empty documents', () => {
    const index = LexicalIndex.inMemory();
    expect(index.search([], OPTIONS).documents).toEqual([]);
    const { document } = makeDocument('empty.py', '');
    index.add('empty.py', document, { segments: [], symbols: [], imports: [], method: 'length' });
    expect(index.search(query('empti'), OPTIONS).documents.map((hit) => hit.path)).toEqual(['empty.py']);
    expect(index.search(query('nothing'), OPTIONS).documents).toEqual([]);
  });

  it('finds exactly the documents that contain a term, for any texts', () => {
    const word = fc.constantFrom('alpha', 'betaGamma', 'delta_epsilon', 'zeta', 'HTTPServer', '検索', 'x9');
    fc.assert(
      fc.property(
        fc.array(fc.array(word, { maxLength: 12 }), { minLength: 1, maxLength: 8 }),
        word,
        (files, sought) => {
          const index = LexicalIndex.inMemory();
          files.forEach((words, i) => {
            const { document, segmented } = makeDocument(`${i}`, words.join('\n'), 2);
            index.add(`${i}`, document, segmented);
          });
          const term = textTerms(sought)[0] as string;
          const found = index.search(query(term), OPTIONS).documents.map((hit) => hit.path);
          const expected = files.flatMap((words, i) => (words.includes(sought) ? [`${i}`] : []));
          expect([...found].sort()).toEqual(expected.sort());
        },
      ),
    );
  });
});

describe('occurrences', () => {
  it('distinguishes definitions from uses', () => {
    const index = LexicalIndex.inMemory();
    for (const [path, text] of [
      ['a.py', 'def openSession\nbody'],
      ['b.py', 'x = openSession()\nopenSession()'],
    ] as const) {
      const { document, segmented } = makeDocument(path, text);
      index.add(path, document, segmented);
    }
    expect(index.occurrences('=opensession', 10)).toMatchObject([
      { path: 'a.py', defines: true, segment: { startLine: 1 } },
    ]);
    expect(index.occurrences('opensession', 10)).toMatchObject([
      { path: 'a.py', defines: true, frequency: 1 },
      { path: 'b.py', defines: false, frequency: 2 },
    ]);
    expect(index.occurrences('opensession', 1)).toHaveLength(1);
  });
});

describe('before all documents are added', () => {
  const texts = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [`f${i}.py`, i < 3 ? `rare common word${i}` : `common word${i}`]),
  );
  const indexOf = (paths: readonly string[]): LexicalIndex => {
    const index = LexicalIndex.inMemory();
    for (const path of paths) {
      const { document, segmented } = makeDocument(path, texts[path] ?? '', 10);
      index.add(path, document, segmented);
    }
    return index;
  };

  it('weighs terms as the whole index would', () => {
    const whole = indexOf(Object.keys(texts)).search(query('rare', 'common'), OPTIONS);
    const part = indexOf(['f0.py', 'f1.py', 'f2.py']);
    expect(part.search(query('rare', 'common'), OPTIONS).documentIdf).not.toEqual(whole.documentIdf);
    const masks = new Map(Object.keys(texts).map((path, i) => [path, i < 3 ? 3 : 2]));
    part.unread = new UnreadDocuments(['rare', 'common'], masks);
    const { documentIdf, segmentIdf } = part.search(query('rare', 'common'), OPTIONS);
    expect(documentIdf).toEqual(whole.documentIdf);
    for (const [i, idf] of segmentIdf.entries()) expect(idf).toBeCloseTo(whole.segmentIdf[i] as number, 6);
  });

  it('counts a document no longer once it is added', () => {
    const index = indexOf(['f0.py']);
    index.unread = new UnreadDocuments(['rare'], new Map([['f0.py', 1]]));
    const without = indexOf(['f0.py']).search(query('rare'), OPTIONS);
    expect(index.search(query('rare'), OPTIONS).documentIdf).toEqual(without.documentIdf);
  });
});
