import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable } from '../../src/base';

describe('printable', () => {
  it.each([
    ['\u001b[2J', '�[2J'],
    ['a\u0007b', 'a�b'],
    ['\u009b31m', '�31m'],
    ['x\rY', 'x�Y'],
    ['if (\u202e admin', 'if (� admin'],
    ['\u2066a\u2069', '�a�'],
    ['\u061c\u200e\u200f', '���'],
    ['\ufeffa\u2028b', '�a�b'],
    ['\ud800', '�'],
  ])('%j becomes %j', (text, shown) => expect(printable(text)).toBe(shown));

  it('keeps letters, tabs, line feeds and emoji', () => {
    const text = 'naïve\tשלום\nمرحبا 日本語 👩‍💻 ✓';
    expect(printable(text)).toBe(text);
  });

  it('removes every control and bidirectional character from any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const shown = printable(text);
        expect([...shown].filter((c) => /\p{Cc}|\p{Bidi_Control}|\p{Cs}/u.test(c) && c !== '\n' && c !== '\t')).toEqual(
          [],
        );
        expect(printable(shown)).toBe(shown);
      }),
    );
  });
});
