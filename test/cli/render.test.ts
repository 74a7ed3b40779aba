import { expect, test } from 'vitest';
import type { Answer, Coverage } from '../../src/protocol';
import { place, renderAnswer } from '../../src/cli/render';

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

test('an answer says how many files were searched, and the share that is encoded', () => {
  const all = { filesIndexed: 1_342, filesKnown: 1_342, indexing: false };
  expect(footOf(all)).toBe('· quoted from the sources · 1,342 files searched · 1.2 s');
  expect(footOf({ ...all, memories: 1 })).toContain('1,342 files searched · 100% encoded');
  expect(footOf({ ...all, memories: 0.998 })).toContain('· 99% encoded');
  expect(footOf({ ...all, memories: 0.004 })).toContain('· less than 1% encoded');
  expect(footOf({ ...all, filesIndexed: 1, filesKnown: 1, memories: 0 })).toContain('1 file searched · 0% encoded');
});

test('a place is its lines, or the page or section of an extracted text', () => {
  const style = { colour: false, width: 100 };
  const span = { file: '/w/a.pdf', path: 'a.pdf', startLine: 31, endLine: 33 };
  expect(place(span, style)).toBe('a.pdf:31-33');
  expect(place({ ...span, place: { kind: 'page', number: 2 } }, style)).toBe('a.pdf, page 2');
  expect(place({ ...span, place: { kind: 'section', number: 4 } }, style)).toBe('a.pdf, section 4');
});
