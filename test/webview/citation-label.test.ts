import { expect, test } from 'vitest';
import type { Citation } from '../../src/protocol';
import { citationLabel, sourcePlace } from '../../src/webview/answer/citation-label';

const cited = { path: 'docs/a.pdf', startLine: 31, endLine: 33 } as Citation;

test('a source is told by its lines, or by the page or section of an extracted text', () => {
  expect(sourcePlace('a.pdf', cited)).toBe('a.pdf:31–33');
  expect(sourcePlace('a.pdf', { ...cited, place: { kind: 'page', number: 2 } })).toBe('a.pdf, page 2');
  expect(sourcePlace('a.epub', { ...cited, place: { kind: 'section', number: 4 } })).toBe('a.epub, section 4');
  expect(citationLabel({ ...cited, place: { kind: 'page', number: 2 } })).toBe('docs/a.pdf, page 2');
});
