import { expect, test } from 'vitest';
import { coverageText, filesText, isPartial } from '../../src/webview/answer/coverage';

const all = { filesIndexed: 342, filesKnown: 342, indexing: false };

test('coverage has the number of searched files, and the total if indexing had not finished', () => {
  expect(filesText(all)).toBe('342 files');
  expect(filesText({ ...all, filesIndexed: 1, filesKnown: 1 })).toBe('1 file');
  expect(filesText({ ...all, filesIndexed: 73, indexing: true })).toBe('73 of 342 files');
  expect(filesText({ ...all, filesIndexed: 73, held: 'paused' })).toBe('73 of 342 files');
  expect(coverageText({ ...all, memories: 0.5 })).toBe('342 files searched · 50% encoded');
  expect(coverageText({ ...all, memories: 0.998 })).toBe('342 files searched · 99% encoded');
  expect(coverageText({ ...all, memories: 1 })).toBe('342 files searched · 100% encoded');
  expect(isPartial({ ...all, indexing: true })).toBe(false);
});
