import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { passagesOf } from '../../src/inference/passage-encoder';

describe('passages of a text', () => {
  it('end at line ends, after forty lines or a thousand characters', () => {
    const lines = Array.from({ length: 100 }, (_, i) => `line ${i}`);
    expect(passagesOf(lines.join('\n')).map((passage) => passage.split('\n').length)).toEqual([40, 40, 20]);
    const long = Array.from({ length: 6 }, () => 'x'.repeat(400));
    expect(passagesOf(long.join('\n')).map((passage) => passage.split('\n').length)).toEqual([2, 2, 2]);
  });

  it('hold every word of the text in order, and none is blank', () => {
    const text = fc.array(fc.constantFrom('a', 'bb', ' ', '\n', '\n\n', 'c'.repeat(300)), { maxLength: 80 });
    fc.assert(
      fc.property(text, (parts) => {
        const whole = parts.join('');
        const passages = passagesOf(whole);
        expect(passages.join('\n').split(/\s+/).filter(Boolean)).toEqual(whole.split(/\s+/).filter(Boolean));
        expect(passages.every((passage) => passage.trim() !== '')).toBe(true);
      }),
    );
  });
});
