import { expect, it } from 'vitest';
import { plainSentence, sentencesOf } from '../../../src/assistant/summary/sentences';

const sentences = (text: string, beginsInCode?: true): string[] =>
  sentencesOf(
    { start: 0, end: text.length, startLine: 1, endLine: 1, titles: [], ...(beginsInCode ? { beginsInCode } : {}) },
    text,
  ).map((sentence) => sentence.text);

it('a sentence does not end with the number of the item that it announces', () => {
  const text = 'Files that match the patterns of these three categories:\n\n1. Those of git, which most people have.\n';
  expect(sentences(text)).toEqual([]);
});

it('the rest of a cut block of code holds no sentences', () => {
  const text =
    'README.md has some lines that are faster than both of them.\n```\n\nThe reader sees this sentence of the prose.\n';
  expect(sentences(text, true)).toEqual(['The reader sees this sentence of the prose.']);
});

it('links by reference show their text', () => {
  expect(plainSentence('Since [RFC 396][] and [the other][rfc] it is `a[i][j]` and b[i][j].')).toBe(
    'Since RFC 396 and the other it is `a[i][j]` and b[i][j].',
  );
});
