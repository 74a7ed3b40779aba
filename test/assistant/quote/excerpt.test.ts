import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { excerptOf } from '../../../src/assistant/quote/excerpt';

const LINES = Array.from({ length: 60 }, (_, i) => (i === 41 ? '    pool.evict(oldest)\n' : `    step_${i} = ${i}\n`));
const TEXT = LINES.join('');

describe('an excerpt', () => {
  test('has the lines around those that match the question', () => {
    const found = excerptOf(TEXT, 'What is evicted from the pool?', 120)!;
    expect(TEXT.slice(found.start, found.end)).toBe(LINES.slice(found.firstLine, found.lastLine + 1).join(''));
    expect(found.firstLine).toBeLessThan(41);
    expect(found.lastLine).toBeGreaterThan(41);
    expect(found.end - found.start).toBeLessThanOrEqual(120);
  });

  test('is the beginning without a match, the whole text if it fits, and undefined if no line fits', () => {
    expect(excerptOf(TEXT, 'xylophone', 60)).toMatchObject({ start: 0, firstLine: 0 });
    expect(excerptOf(TEXT, 'evict', TEXT.length)).toMatchObject({ start: 0, end: TEXT.length });
    expect(excerptOf('x'.repeat(500), 'x', 499)).toBe(undefined);
    expect(excerptOf('', 'x', 10)).toMatchObject({ start: 0, end: 0 });
  });

  test('takes the line that matches best, not the first that matches', () => {
    expect(excerptOf('the pool\n\n\nother\nevict the pool\n', 'evict pool', 16)).toMatchObject({
      firstLine: 4,
      lastLine: 4,
    });
  });

  test('has whole lines within the limit, for any text', () => {
    const line = fc.string({ maxLength: 30 }).map((text) => text.replace(/[\n\r]/g, ''));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), fc.string(), fc.nat(200), (lines, question, room) => {
        const text = lines.join('\n');
        const found = excerptOf(text, question, room);
        if (!found) {
          // No line fits, not even the first one.
          expect(text.split(/(?<=\n)/)[0]!.length).toBeGreaterThan(room);
          return;
        }
        expect(found.end - found.start).toBeLessThanOrEqual(room);
        expect(found.start === 0 || text[found.start - 1] === '\n').toBe(true);
        expect(found.end === text.length || text[found.end - 1] === '\n').toBe(true);
        expect(text.slice(0, found.start).split('\n').length - 1).toBe(found.firstLine);
      }),
    );
  });
});
