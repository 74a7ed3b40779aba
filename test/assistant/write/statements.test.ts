import { describe, expect, test } from 'vitest';
import { groundOf } from '../../../src/assistant/write/ground';
import { unitOf } from '../../../src/assistant/write/units';

/** The statements of lines, as their words. */
function statementsOf(lines: readonly string[]): string[] {
  const { words } = groundOf(unitOf({ file: '/w/a', path: 'a', startLine: 1, endLine: lines.length }, lines, 'a'));
  const statements: string[] = [];
  for (const { text, statement } of words)
    statements[statement] = statements[statement] === undefined ? text : `${statements[statement]} ${text}`;
  return statements;
}

describe('statements', () => {
  test('run over the lines of a paragraph, and end where sentences end', () => {
    expect(
      statementsOf([
        '    It runs before every request. When used on an app, it',
        '    runs once. See the guide.',
        'Next paragraph',
      ]),
    ).toEqual(['It runs before every request', 'When used on an app it runs once', 'See the guide', 'Next paragraph']);
  });

  test('of code are its lines, with what stands in brackets', () => {
    expect(statementsOf(['names = [', '    "a.cfg",', '    "b.ini",', ']', 'limit = 3', 'return limit'])).toEqual([
      'names a cfg b ini',
      'limit 3',
      'return limit',
    ]);
  });

  test('do not run from a comment into code, nor from an item or a row into the next', () => {
    expect(
      statementsOf([
        '# The most files that are',
        '# open at once',
        'limit = 3',
        '- one item',
        '- the next one',
        '| a | row |',
        '| b | row |',
      ]),
    ).toEqual(['The most files that are open at once', 'limit 3', 'one item', 'the next one', 'a row', 'b row']);
  });

  test('of one word belong to the next in their line', () => {
    expect(statementsOf(['> Why? It leads to cleaner diffs.', 'Timeouts', 'They are short.'])).toEqual([
      'Why It leads to cleaner diffs',
      'Timeouts',
      'They are short',
    ]);
  });
});
