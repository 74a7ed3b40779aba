import { describe, expect, it } from 'vitest';
import type { RankedSpan } from '../../../src/protocol';
import { placePassages, type Placing } from '../../../src/search/passages/place-passages';

const span = (path: string, score: number, kind?: 'prose', startLine = 1): RankedSpan => ({
  file: `/${path}`,
  path,
  startLine,
  endLine: startLine + 4,
  score,
  breadcrumb: [],
  reasons: [],
  text: '',
  language: '',
  ...(kind ? { kind } : {}),
});
const placing: Placing = { most: 10, shareOf: () => 0.5, ahead: 0.15 };
const shown = (spans: readonly RankedSpan[]): string[] => spans.map(({ path, startLine }) => `${path}:${startLine}`);

describe('placePassages', () => {
  it('keeps the places of code and puts passages into those of prose, in their order', () => {
    const spans = [span('a.md', 3, 'prose', 50), span('b.ts', 2), span('c.md', 1, 'prose', 9)];
    const passages = [span('c.md', 0.9, 'prose', 10), span('d.md', 0.8, 'prose'), span('e.md', 0.7, 'prose')];
    const placed = placePassages(spans, passages, placing);
    expect(shown(placed)).toEqual(['c.md:10', 'b.ts:1', 'd.md:1', 'e.md:1', 'a.md:50']);
    expect(placed.slice(0, 4).map(({ score }) => score)).toEqual(
      [...placed.slice(0, 4).map(({ score }) => score)].sort((a, b) => b - a),
    );
  });

  it('puts a passage with clearly more of the words before code', () => {
    const words = (weight: number): RankedSpan => ({
      ...span('d.md', 1, 'prose'),
      reasons: [{ kind: 'body', text: 'words', weight }],
    });
    const spans = [span('a.ts', 3), span('b.md', 1, 'prose', 30)];
    expect(shown(placePassages(spans, [words(0.9)], placing))[0]).toBe('d.md:1');
    expect(shown(placePassages(spans, [words(0.6)], placing))[0]).toBe('a.ts:1');
  });

  it('changes nothing without passages', () => {
    const spans = [span('a.md', 3, 'prose')];
    expect(placePassages(spans, [], placing)).toBe(spans);
  });

  it('returns at most the number asked for', () => {
    expect(
      placePassages([span('a.ts', 1)], [span('b.md', 1, 'prose'), span('c.md', 1, 'prose')], { ...placing, most: 2 }),
    ).toHaveLength(2);
  });
});
