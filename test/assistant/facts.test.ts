import { describe, expect, it } from 'vitest';
import { docSentences, firstSentence, plainDoc } from '../../src/assistant/facts';

describe('firstSentence', () => {
  it('ends at the first full stop before a new sentence', () => {
    expect(firstSentence('Opens the gate. Closes it later.')).toBe('Opens the gate.');
  });
  it('does not end at an abbreviation', () => {
    expect(firstSentence('Uses the input as the new value (i.e. JSON of the config). Then reloads.')).toBe(
      'Uses the input as the new value (i.e. JSON of the config).',
    );
    expect(firstSentence('Any store, e.g. Redis, will do. It is opened lazily.')).toBe(
      'Any store, e.g. Redis, will do.',
    );
  });
  it('converts the inline code of RDoc, and leaves plus signs of sums', () => {
    expect(firstSentence('Taken from +PUMA_MAX+ / +Server#run+ (3 +b+c and a + b stay).')).toBe(
      'Taken from `PUMA_MAX` / `Server#run` (3 +b+c and a + b stay).',
    );
  });
  it('leaves parameter lists and rules out', () => {
    expect(firstSentence('=====\nReads a row.\n\n@param row which')).toBe('Reads a row.');
  });
});

describe('docSentences', () => {
  it('come from every paragraph, without parameter lists and examples', () => {
    expect(
      docSentences(
        'Copies the context. It may leave the request.\n\nNeeded in goroutines (i.e. beside it).\n\n:param x: which\n\n>>> copy()',
      ),
    ).toEqual(['Copies the context.', 'It may leave the request.', 'Needed in goroutines (i.e. beside it).']);
  });
});

describe('plainDoc', () => {
  it('leaves the marks of AsciiDoc out', () => {
    expect(plainDoc('(((post, sorting)))The ((clerk)) sorts <<letters,all letters>>, see linkgit:post-sort[1].')).toBe(
      'The clerk sorts all letters, see post-sort(1).',
    );
    expect(plainDoc('Reads link:office.html[the rules] of https://example.org/a[the office].')).toBe(
      'Reads the rules of the office.',
    );
    expect(plainDoc('Calls scale((a + b)) and writes out << a >> b.')).toBe(
      'Calls scale((a + b)) and writes out << a >> b.',
    );
  });
});
