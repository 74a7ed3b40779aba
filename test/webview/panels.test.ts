import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Citation, SummaryPart } from '../../src/protocol';
import { announcement, reduceThread, type Turn } from '../../src/webview/answer/thread';
import { filterParts, outlineRows } from '../../src/webview/summary/outline';

function part(title: string, children: SummaryPart[] = []): SummaryPart {
  return {
    title,
    kind: 'function',
    startLine: 1,
    endLine: 2,
    line: `does ${title}`,
    author: { kind: 'extractive' },
    children,
  };
}

describe('outlineRows', () => {
  const tree = [part('a', [part('b', [part('q')]), part('d')]), part('e')];

  it('lists parts depth first, with the tree positions', () => {
    const rows = outlineRows(tree, new Set());
    expect(
      rows.map(({ part: { title }, depth, parent, position, siblings }) => [title, depth, parent, position, siblings]),
    ).toEqual([
      ['a', 0, -1, 1, 2],
      ['b', 1, 0, 1, 2],
      ['q', 2, 1, 1, 1],
      ['d', 1, 0, 2, 2],
      ['e', 0, -1, 2, 2],
    ]);
  });

  it('leaves out children of collapsed parts', () => {
    const [first] = tree;
    expect(outlineRows(tree, new Set(first ? [first] : [])).map(({ part: { title } }) => title)).toEqual(['a', 'e']);
  });

  it('filters by all words and keeps the ancestors of matches', () => {
    expect(outlineRows(filterParts(tree, 'DOES q'), new Set()).map(({ part: { title } }) => title)).toEqual([
      'a',
      'b',
      'q',
    ]);
    expect(filterParts(tree, 'nothing like it')).toEqual([]);
    expect(filterParts(tree, '  ')).toBe(tree);
  });
});

describe('reduceThread', () => {
  const start: readonly Turn[] = reduceThread([], {
    type: 'answerStarted',
    id: '1',
    question: 'q',
    scope: { kind: 'workspace' },
  });
  const citation: Citation = {
    number: 1,
    file: '/a',
    path: 'a',
    startLine: 1,
    endLine: 1,
    text: '',
    hash: '',
    label: '',
  };

  it('adds the events, and each citation once', () => {
    let turns = start;
    for (const event of [
      { type: 'citation', citation },
      { type: 'citation', citation: { ...citation, label: 'new' } },
      { type: 'delta', markdown: 'x' },
    ] as const)
      turns = reduceThread(turns, { type: 'answerEvent', id: '1', event });
    expect(turns[0]).toMatchObject({ markdown: 'x', citations: [{ label: 'new' }] });
  });

  it('never lets an explanation go backward', () => {
    let turns = reduceThread([], { type: 'explanationStarted', id: '2', span: citation });
    for (const fraction of [0.2, 0.6, 0.4])
      turns = reduceThread(turns, { type: 'explanationProgress', id: '2', fraction, message: '' });
    expect(turns[0]?.progress?.fraction).toBe(0.6);
  });

  it('keeps the written text of a stopped answer', () => {
    const written = reduceThread(start, { type: 'answerEvent', id: '1', event: { type: 'delta', markdown: 'half' } });
    expect(reduceThread(written, { type: 'answerFailed', id: '1', message: '', cancelled: true })[0]).toMatchObject({
      state: 'stopped',
      markdown: 'half',
    });
  });
});

describe('announcement', () => {
  it('announces each character once, in whole paragraphs', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('word ', 'a.', '\n\n', '\n'), { minLength: 1 }), (pieces) => {
        let [text, told, heard] = ['', 0, ''];
        for (const piece of pieces) {
          text += piece;
          const next = announcement(text, told, false);
          expect(next === '' || next.endsWith('\n\n')).toBe(true);
          told += next.length;
          heard += next;
        }
        expect(heard + announcement(text, told, true)).toBe(text);
      }),
    );
  });
});
