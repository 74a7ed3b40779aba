import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  checkMarkdown,
  CitationList,
  locateInLines,
  mapSentences,
  markersIn,
  namesIn,
  sentencesOf,
  unsupportedNames,
} from '../../src/assistant/citations';
import { splitLines, textOfLines } from '../../src/base';
import { sha256 } from '../../src/base/node';
import { MemoryLibrary } from './memory-library';

const SOURCE = [
  'import os',
  '',
  'def retry_request(session, limit):',
  '    for attempt in range(limit):',
  '        session.send(attempt)',
  '',
  'def other():',
  '    return None',
];

function citationOf(lines: readonly string[], startLine: number, endLine: number) {
  return new CitationList().cite({
    file: '/w/a.py',
    path: 'a.py',
    startLine,
    endLine,
    text: textOfLines(lines, startLine, endLine),
    label: 'retry_request',
  });
}

describe('lines', () => {
  test.each([
    ['a\nb\n', ['a', 'b']],
    ['a\r\nb', ['a', 'b']],
    ['a\rb', ['a', 'b']],
    ['a\n\n', ['a', '']],
    ['', ['']],
  ])('%j', (text, lines) => expect(splitLines(text)).toEqual(lines));
});

describe('locating a citation', () => {
  const span = { file: '/w/a.py', path: 'a.py', startLine: 3, endLine: 5 };

  test('unchanged lines are found in place', () => {
    expect(locateInLines(citationOf(SOURCE, 3, 5), SOURCE, span)).toEqual({ state: 'same', span });
  });

  test('moved lines are found', () => {
    const moved = ['# one', '# two', ...SOURCE];
    expect(locateInLines(citationOf(SOURCE, 3, 5), moved, span)).toEqual({
      state: 'moved',
      span: { ...span, startLine: 5, endLine: 7 },
    });
  });

  test('the nearer of two equal runs is chosen', () => {
    const twice = ['x', ...SOURCE, 'y', ...SOURCE];
    expect(locateInLines(citationOf(SOURCE, 3, 5), twice, span).span.startLine).toBe(4);
  });

  test('an edited definition is located by its remaining lines', () => {
    const edited = ['# a new first line', ...SOURCE.map((line) => line.replace('range(limit)', 'range(limit + 1)'))];
    expect(locateInLines(citationOf(SOURCE, 3, 5), edited, span)).toEqual({
      state: 'changed',
      span: { ...span, startLine: 4, endLine: 6 },
    });
  });

  test('the span stays inside a shortened file', () => {
    const { state, span: found } = locateInLines(citationOf(SOURCE, 3, 5), ['only'], span);
    expect(state).toBe('changed');
    expect(found).toMatchObject({ startLine: 1, endLine: 1 });
  });

  test('unique lines are found after any insertion before and after them', () => {
    const line = fc.string({ maxLength: 12 }).map((text) => `other ${text.replace(/[\r\n]/g, '')}`);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), fc.array(line, { maxLength: 30 }), (before, after) => {
        const lines = [...before, ...SOURCE.slice(2, 5), ...after];
        const located = locateInLines(citationOf(SOURCE, 3, 5), lines, span);
        expect(located.state === 'same' || located.state === 'moved').toBe(true);
        expect(sha256(textOfLines(lines, located.span.startLine, located.span.endLine))).toBe(
          citationOf(SOURCE, 3, 5).hash,
        );
      }),
    );
  });
});

describe('sentences', () => {
  test('markers stay with the sentence they follow', () => {
    expect(sentencesOf('It sends. [1] Then it waits (e.g. 3.5 s). [2][3] Done')).toEqual([
      'It sends. [1] ',
      'Then it waits (e.g. ',
      '3.5 s). [2][3] ',
      'Done',
    ]);
  });

  test('a full stop in inline code does not end a sentence', () => {
    expect(sentencesOf('Calls `a. b` here.')).toEqual(['Calls `a. b` here.']);
  });

  test('the joined parts equal the line, and an identity change keeps every text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '.', ' ', '`', '[1]', '!', '\n', '```', 'é', ')') }),
        (text) => {
          for (const line of text.split('\n')) expect(sentencesOf(line).join('')).toBe(line);
          expect(mapSentences(text, (sentence) => sentence)).toBe(text);
        },
      ),
    );
  });

  test('an index in inline code is not a marker', () => {
    expect(markersIn('Takes `rows[0]` first [2], then more [3] [2].')).toEqual([2, 3]);
  });

  test('only code-like words are names', () => {
    expect(namesIn('The function `retry_request` calls send() and sets maxRetries in the session [1].').sort()).toEqual(
      ['maxRetries', 'retry_request'],
    );
  });

  test('a name that is not in the lines is unsupported', () => {
    const citation = citationOf(SOURCE, 3, 5);
    expect(unsupportedNames('`retry_request` calls `session.send`.', [citation])).toEqual([]);
    expect(unsupportedNames('`retry_request` calls `urlopen`.', [citation])).toEqual(['urlopen']);
  });
});

describe('checking an answer', () => {
  const files = { 'a.py': SOURCE.join('\n') };

  test('supported sentences keep their markers, renumbered in order of appearance', async () => {
    const library = new MemoryLibrary(files);
    const list = new CitationList();
    list.cite({
      file: '/w/a.py',
      path: 'a.py',
      startLine: 7,
      endLine: 8,
      text: textOfLines(SOURCE, 7, 8),
      label: 'other',
    });
    list.cite({
      file: '/w/a.py',
      path: 'a.py',
      startLine: 3,
      endLine: 5,
      text: textOfLines(SOURCE, 3, 5),
      label: 'retry_request',
    });
    const checked = await checkMarkdown('`retry_request` sends. [2] `other` does not. [1]', list.all, library);
    expect(checked.markdown).toBe('`retry_request` sends. [1] `other` does not. [2]');
    expect(checked.citations.map(({ number, startLine }) => [number, startLine])).toEqual([
      [1, 3],
      [2, 7],
    ]);
    expect(checked.removed).toEqual([]);
  });

  test('a marker without a source and a marker without support are removed and reported', async () => {
    const library = new MemoryLibrary(files);
    const checked = await checkMarkdown('It calls `urlopen`. [1] It ends. [9]', [citationOf(SOURCE, 3, 5)], library);
    expect(checked.markdown).toBe('It calls `urlopen`. It ends.');
    expect(checked.citations).toEqual([]);
    expect(checked.removed).toHaveLength(2);
    expect(checked.removed.join(' ')).toContain('urlopen');
  });

  test('edited lines are no longer cited, and moved lines are cited at their new place', async () => {
    const library = new MemoryLibrary(files);
    const citation = citationOf(SOURCE, 3, 5);
    library.files.set('/w/a.py', ['# new', ...SOURCE].join('\n'));
    expect((await checkMarkdown('`retry_request` sends. [1]', [citation], library)).citations[0]).toMatchObject({
      startLine: 4,
      endLine: 6,
    });
    library.files.set('/w/a.py', 'gone');
    const checked = await checkMarkdown('`retry_request` sends. [1]', [citation], library);
    expect(checked.citations).toEqual([]);
    expect(checked.removed[0]).toContain('changed');
  });

  test('fenced code is never touched', async () => {
    const markdown = '```py\nrows[1] = [2]\n```';
    expect((await checkMarkdown(markdown, [], new MemoryLibrary(files))).markdown).toBe(markdown);
  });
});
