import { describe, expect, test } from 'vitest';
import { answerDocument } from '../../src/host/answers/answer-document';
import type { Answer, Citation } from '../../src/protocol';
import { citation } from '../citation';

const answer = (question: string, markdown: string, citations: Citation[], notices: string[] = []): Answer => ({
  id: 'a',
  question,
  scope: { kind: 'workspace' },
  markdown,
  citations,
  spans: [],
  author: { kind: 'extractive' },
  coverage: { indexing: false, filesIndexed: 1, filesKnown: 1 },
  ledger: { groups: [], capacityRows: 0, bytesPerRow: 0 },
  notices,
  timing: { retrieve: 0, splice: 0, read: 0, decode: 0, firstToken: 0, total: 0 },
});
const linked = (answers: Answer[]): string[] => {
  const { text, links } = answerDocument(answers);
  return links.map(({ start, end, citation: { file } }) => `${text.slice(start, end)} → ${file}`);
};

describe('a conversation as a document', () => {
  test('has each answer under its question, with its sources', () => {
    const first = answer('How often is it\nretried?', 'Twice [1].', [citation(1, 'src/retry.ts', 3, 9)], ['Stopped.']);
    const second = answer('And then?', 'It fails.', []);
    expect(answerDocument([first, second]).text).toBe(
      '# How often is it retried?\n\nTwice [1].\n\n> Stopped.\n\n1. src/retry.ts:3-9\n\n# And then?\n\nIt fails.\n',
    );
  });

  test('links the numbers in the text and the sources, each answer to its own', () => {
    const first = answer('One?', 'It retries [1], twice [2].', [citation(2, 'b.ts', 4, 4), citation(1, 'a.ts', 1, 2)]);
    const second = answer('Two?', 'Here [1].', [citation(1, 'c.ts', 5, 6)]);
    expect(linked([first, second])).toEqual([
      '[1] → /w/a.ts',
      '[2] → /w/b.ts',
      'a.ts:1-2 → /w/a.ts',
      'b.ts:4 → /w/b.ts',
      '[1] → /w/c.ts',
      'c.ts:5-6 → /w/c.ts',
    ]);
  });

  test('links no number in code', () => {
    const text = '`a[1]` and [7]\n\n```py\na[1]\n```\n\nthen [1]';
    expect(linked([answer('Q?', text, [citation(1, 'a.py', 1, 1)])])).toEqual(['[1] → /w/a.py', 'a.py:1 → /w/a.py']);
  });
});
