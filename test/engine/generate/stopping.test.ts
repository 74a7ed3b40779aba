import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitPrompt, type CutRule } from '../../../src/engine/generate/budget';
import { StopStrings } from '../../../src/engine/generate/stopping';

describe('stop strings', () => {
  it('are found across pieces, and the text before them is shown as early as possible', () => {
    const stops = new StopStrings(['</end>', '\n\n']);
    expect(stops.push('one <')).toBe('one ');
    expect(stops.push('/en')).toBe('');
    expect(stops.push('ter> \n')).toBe('</enter> ');
    expect(stops.stopped).toBe(false);
    expect(stops.push('\nmore')).toBe('');
    expect(stops.stopped).toBe(true);
    expect(stops.push('never')).toBe('');
    expect(stops.end()).toBe('');
  });

  it('are found as in the whole text, for any division into pieces', () => {
    const piece = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 }), { maxLength: 3 }),
        (pieces, strings) => {
          const whole = pieces.join('');
          const stops = new StopStrings(strings);
          let shown = '';
          let complete = '';
          for (const text of pieces) {
            if (stops.stopped) break;
            shown += stops.push(text);
            complete += text;
            expect(whole.startsWith(shown)).toBe(true);
          }
          shown += stops.end();
          const ends = strings.map((stop) => complete.indexOf(stop)).filter((at) => at >= 0);
          expect(shown).toBe(ends.length > 0 ? complete.slice(0, Math.min(...ends)) : whole);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('the token budget', () => {
  const tokens = Array.from({ length: 20 }, (_, i) => i);
  const fit = (free: number, newTokens: number, rule: CutRule, keepStart = 1) =>
    fitPrompt(tokens, (list) => list.length, free, newTokens, rule, keepStart);

  it('is exact, because the last new token needs no row', () => {
    expect(fit(24, 5, 'refuse')).toEqual({ tokens });
    expect(() => fit(23, 5, 'refuse')).toThrow(expect.objectContaining({ code: 'contextFull', needed: 24, free: 23 }));
    expect(fit(20, 0, 'refuse').cut).toBeUndefined();
  });

  it('truncates by the requested rule, and reports the removed tokens', () => {
    expect(fit(10, 3, 'keepEnd')).toEqual({
      tokens: [0, 13, 14, 15, 16, 17, 18, 19],
      cut: { rule: 'keepEnd', from: 1, to: 13 },
    });
    expect(fit(10, 3, 'keepBothEnds')).toEqual({
      tokens: [0, 1, 2, 3, 16, 17, 18, 19],
      cut: { rule: 'keepBothEnds', from: 4, to: 16 },
    });
    expect(fit(10, 3, 'keepEnd', 4).tokens).toEqual([0, 1, 2, 3, 16, 17, 18, 19]);
    expect(() => fit(2, 3, 'keepEnd')).toThrow(expect.objectContaining({ code: 'contextFull' }));
  });

  it('uses the whole context', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 0, max: 10 }),
        fc.constantFrom<CutRule>('keepEnd', 'keepBothEnds'),
        (free, newTokens, rule) => {
          const room = free - Math.max(0, newTokens - 1);
          if (room < 1) return void expect(() => fit(free, newTokens, rule)).toThrow();
          const { tokens: kept, cut } = fit(free, newTokens, rule);
          expect(kept.length).toBe(Math.min(20, room));
          expect(kept).toEqual(cut ? [...tokens.slice(0, cut.from), ...tokens.slice(cut.to)] : tokens);
        },
      ),
    );
  });
});
