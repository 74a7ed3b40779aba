import { expect, test } from 'vitest';
import { languageName } from '../../src/host/views/language-name';

const EXTENSIONS = [
  { packageJSON: undefined },
  { packageJSON: { contributes: {} } },
  {
    packageJSON: {
      contributes: { languages: [{ id: 'typescript' }, { id: 'ruby', aliases: 'Ruby' }, { id: 'json', aliases: [] }] },
    },
  },
  {
    packageJSON: {
      contributes: {
        languages: [
          { id: 'typescript', aliases: ['TypeScript', 'ts'] },
          { id: 'ruby', aliases: ['Ruby', 'rb'] },
        ],
      },
    },
  },
];

test('a language has the first name that an extension gives it', () => {
  expect(languageName('typescript', EXTENSIONS)).toBe('TypeScript');
  expect(languageName('ruby', EXTENSIONS)).toBe('Ruby');
});

test('a language that nobody names is called by its identifier', () => {
  expect(languageName('json', EXTENSIONS)).toBe('json');
  expect(languageName('zig', EXTENSIONS)).toBe('zig');
});
