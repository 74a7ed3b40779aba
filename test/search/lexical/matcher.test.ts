import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanTokens, tokenTerms } from '../../../src/workspace/lexical/terms';
import type { QueryTerm } from '../../../src/workspace/lexical/types';
import { Matcher } from '../../../src/search/lexical/matcher';
import { TermFilter } from '../../../src/search/lexical/term-filter';
import { analyseQuestion } from '../../../src/search/query/analysis';

const words =
  'try tries tried trying fly flies die dying id ids use uses used using hope hoping ate ating aing rational abli relational y by go going x86_64 utf-8 getEnviron HTTPServer2_name _a_b_c $el straße ÉTÉ 線形代数 İstanbul'.split(
    ' ',
  );
const syllable = fc.constantFrom(
  'a',
  'b',
  'e',
  'i',
  'y',
  's',
  't',
  'ies',
  'ed',
  'ing',
  'ational',
  'li',
  'eli',
  'biliti',
  'logi',
  'al',
  'enci',
  'eed',
  'ize',
  'yed',
  'ys',
  'ly',
  '_',
  '2',
  '-',
  'Q',
  'Xy',
);
const token = fc.oneof(
  fc.constantFrom(...words),
  fc.array(syllable, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('')),
);

describe('TermFilter', () => {
  it('passes every token with one of its terms', () => {
    fc.assert(
      fc.property(token, (text) => {
        scanTokens(text, 0, text.length, (start, end) => {
          for (const term of tokenTerms(text.slice(start, end)))
            expect(new TermFilter(['zzz', term]).mayHold(text, start, end), `${term} in ${text}`).toBe(true);
        });
      }),
      { numRuns: 3_000 },
    );
  });

  it('rejects most other tokens', () => {
    const filter = new TermFilter(['timeout', 'connect', 'id']);
    const passed = 'const render = (element) => element.children.map(renderChild); // draws the tree'
      .match(/\w+/g)
      ?.filter((word) => filter.mayHold(word, 0, word.length));
    expect(passed).toEqual(['const']);
  });
});

describe('Matcher', () => {
  it('finds the same occurrences as analysing every token', () => {
    const terms = fc
      .array(token, { minLength: 1, maxLength: 5 })
      .map((tokens): QueryTerm[] =>
        [...new Set(tokens.flatMap((token) => tokenTerms(token)))].map((term) => ({ term, weight: 1 })),
      );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(token, fc.constantFrom(' ', '\n', '.', '(')), { maxLength: 30 }),
        terms,
        (parts, asked) => {
          const text = parts.flat().join('');
          const expected: [line: number, bit: number][] = [];
          scanTokens(text, 0, text.length, (start, end) => {
            const line = 7 + (text.slice(0, start).match(/\n/g)?.length ?? 0);
            for (const term of tokenTerms(text.slice(start, end))) {
              const bit = asked.findIndex((query) => query.term === term);
              if (bit >= 0) expected.push([line, bit]);
            }
          });
          const { lines, bits } = new Matcher(asked).find(text, 0, text.length, 7);
          expect(lines.map((line, i) => [line, bits[i]])).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });
});

const weightsIn = (question: string, text: string): readonly number[] => {
  const { terms, language } = analyseQuestion(question);
  return new Matcher(terms, language).find(text, 0, text.length, 1).weights;
};

it('finds a word of a German question at the beginning of a compound, for half its weight', () => {
  const question = 'Wie lang ist der Schlüssel für die Tür?';
  expect(weightsIn(question, 'Der Schlüssel liegt da.')).toEqual([1]);
  expect(weightsIn(question, 'Die Schlüssellänge ist 4096.')).toEqual([0.5]);
  // A short word begins too many others, and an ending makes no compound.
  expect(weightsIn(question, 'Türkische Schlüsseln')).toEqual([1]);
});

it('finds a word of a German question at the end of a compound, for half its weight', () => {
  const question = 'Welcher Speicher ist frei?';
  expect(weightsIn(question, 'Der Arbeitsspeicher ist voll.')).toEqual([0.5]);
  expect(weightsIn(question, 'Der Speicher ist voll.')).toEqual([1]);
});

it('takes words of an English question as they are', () => {
  expect(weightsIn('How is a string built?', 'A stringify function')).toEqual([]);
});
