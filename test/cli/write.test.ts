import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printableJson } from '../../src/base';
import { place, renderMarkdown } from '../../src/cli/render';
import { terminalText } from '../../src/cli/write';

const colour = { colour: true, width: 80 };
/** Characters that command a terminal or reorder its text, except those of our own sequences. */
const commands = (text: string): string[] =>
  [...text].filter((c) => /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u.test(c) && c !== '\n' && c !== '\t');
const OWN = /\u001b\[(?:1|2|22|36|39)m|\u001b\]8;;[^\u0000-\u001f\u007f-\u009f]*\u001b\\/g;
/** Arbitrary text rich in what is dangerous. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '\u001b',
        '\u001b[2J',
        '\u001b]8;;http://x\u001b\\',
        '\u001b]0;t\u0007',
        '\u009b',
        '\r',
        '\u202e',
        '\n',
      ),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
  )
  .map((parts) => parts.join(''));

describe('terminal output', () => {
  it('keeps the style of the renderers', () => {
    const text = renderMarkdown('**bold** `code` [1]', colour);
    expect(text).toContain('\u001b[1m');
    expect(terminalText(text)).toBe(text);
  });

  it('keeps links to files and replaces links elsewhere', () => {
    const link = place({ file: '/a b/c.ts', path: 'c.ts', startLine: 1, endLine: 2 }, colour);
    expect(terminalText(link)).toBe(link);
    expect(terminalText('\u001b]8;;http://evil\u001b\\x\u001b]8;;\u001b\\')).not.toContain('\u001b]8;;http');
  });

  it('lets no text command the terminal', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(commands(terminalText(text).replace(OWN, ''))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('lets no file name break its line or command the terminal', () => {
    fc.assert(
      fc.property(hostile, (path) => {
        const shown = terminalText(place({ file: '/x', path, startLine: 1, endLine: 1 }, colour));
        expect(shown).not.toContain('\n');
        expect(commands(shown.replace(OWN, ''))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('escapes such characters in JSON, which keeps its value', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const json = printableJson({ text }, 2);
        expect(commands(json)).toEqual([]);
        expect(JSON.parse(json)).toEqual({ text });
      }),
      { numRuns: 300 },
    );
  });
});
