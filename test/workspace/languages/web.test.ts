/** Definitions, extents and documentation in a small file of each language. */
import { describe, expect, test } from 'vitest';
import { definitions, lines } from './definitions';

describe('styles without a grammar', () => {
  test.each([
    [
      'a.sass',
      lines(
        '// Wide.',
        '=wide($x)',
        '  width: $x',
        '$limit: 3',
        '@mixin narrow',
        '  width: 1px',
        '.card',
        '  color: red',
        '  &:hover',
        '    color: blue',
      ),
      ['function wide 2-3 “Wide.”', 'variable $limit 4-4', 'function narrow 5-6', 'rule .card 7-10'],
    ],
  ])('%s', async (path, text, expected) => {
    expect(await definitions(path, text)).toEqual(expected);
  });
});
