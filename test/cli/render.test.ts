import { expect, test } from 'vitest';
import type { Answer, Coverage } from '../../src/protocol';
import { renderAnswer } from '../../src/cli/render';

const footOf = (coverage: Coverage): string => {
  const answer: Answer = {
    id: 'a',
    question: 'Why?',
    scope: { kind: 'workspace' },
    markdown: 'Because.',
    citations: [],
    spans: [],
    author: { kind: 'extractive' },
    coverage,
    notices: [],
    ledger: { groups: [], capacityRows: 0, bytesPerRow: 0 },
    timing: { retrieve: 1, splice: 0, read: 0, decode: 0, firstToken: 1, total: 1_234 },
  };
  return renderAnswer(answer, { colour: false, width: 100 }).split('\n').at(-1) ?? '';
};

test('an answer says what it draws on, and how much of that the model remembers', () => {
  const all = { filesIndexed: 1_342, filesKnown: 1_342, indexing: false };
  expect(footOf(all)).toBe('· quoted from the sources · drawn from 1,342 files · 1.2 s');
  expect(footOf({ ...all, memories: 1 })).toContain('drawn from 1,342 files, of whose text the model remembers 100%');
  expect(footOf({ ...all, memories: 0.998 })).toContain('remembers 99%');
  expect(footOf({ ...all, memories: 0.004 })).toContain('remembers less than 1%');
  expect(footOf({ ...all, filesIndexed: 1, filesKnown: 1, memories: 0 })).toContain(
    'drawn from 1 file, of whose text the model remembers 0%',
  );
});
