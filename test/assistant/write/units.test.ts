import { expect, test } from 'vitest';
import { unitsOf } from '../../../src/assistant/write/units';

const LINES = Array.from({ length: 60 }, (_, i) => (i % 10 === 9 ? '' : `line ${i + 1} ${'x'.repeat(40)}`));
const SPAN = { file: '/w/a.py', path: 'a.py', startLine: 1, endLine: 60 };

test('units cover a segment without gaps, end at blank lines, and hold their lines', () => {
  const units = unitsOf(SPAN, LINES, 'a');
  expect(units.length).toBeGreaterThan(2);
  units.forEach(({ startLine, endLine, text, quote }, i) => {
    expect(startLine).toBe(i === 0 ? 1 : (units[i - 1]?.endLine ?? 0) + 1);
    expect(text).toBe(
      LINES.slice(startLine - 1, endLine)
        .join('\n')
        .trimEnd(),
    );
    expect(text.length).toBeLessThanOrEqual(1_000);
    expect(quote).toContain(text);
    if (endLine < 60) expect(LINES[endLine - 1]).toBe('');
  });
  expect(units.at(-1)?.endLine).toBe(60);
});

test('a unit that moves within its file is read as the same quote', () => {
  const moved = ['', '', ...LINES];
  const quotes = (lines: readonly string[], by: number): string[] =>
    unitsOf({ ...SPAN, startLine: 1 + by, endLine: 60 + by }, lines, 'a').map(({ quote }) => quote);
  expect(quotes(moved, 2)).toEqual(quotes(LINES, 0));
});

test('a line longer than a unit is a unit', () => {
  const long = ['y'.repeat(5_000), 'end'];
  expect(unitsOf({ ...SPAN, endLine: 2 }, long, 'a').map(({ endLine }) => endLine)).toEqual([1, 2]);
});
