import { describe, expect, it } from 'vitest';
import { condensed, problemQuestion } from '../../src/host/answers/question-text';

describe('a problem as a question', () => {
  it('is its message', () => {
    expect(problemQuestion("Cannot find name 'withRety'.", 'withRety')).toBe("Cannot find name 'withRety'.");
  });

  it('names what the problem marks, if the message does not', () => {
    expect(problemQuestion('Unused import', 'sleep')).toBe('Unused import (sleep)');
    expect(problemQuestion('Unexpected end of file', '\n')).toBe('Unexpected end of file');
  });

  it('leaves out a long marked text, which is no name', () => {
    expect(problemQuestion('This function is too long', 'x '.repeat(40))).toBe('This function is too long');
  });

  it('is one line', () => {
    expect(problemQuestion("Type 'A' is not assignable to type 'B'.\n  Property 'x' is missing.", 'a')).toBe(
      "Type 'A' is not assignable to type 'B'. Property 'x' is missing.",
    );
  });
});

describe('output of the terminal', () => {
  it('is one line, without its indents and line ends', () => {
    expect(condensed('  at run (a.ts:3)\r\n\tat main (b.ts:9)\n')).toBe('at run (a.ts:3) at main (b.ts:9)');
    expect(condensed(' \n ')).toBe('');
  });

  it('keeps the start and the end of a long trace, where the error is named', () => {
    const trace = `Traceback (most recent call last): ${'  File "x.py", line 1 '.repeat(80)} ValueError: no berth is free`;
    const text = condensed(trace);
    expect(text.length).toBeLessThanOrEqual(603);
    expect(text).toMatch(/^Traceback .* … .*ValueError: no berth is free$/);
  });
});
