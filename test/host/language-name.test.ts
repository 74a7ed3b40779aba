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

test('a language has the first alias from an extension', () => {
  expect(languageName('typescript', EXTENSIONS)).toBe('TypeScript');
  expect(languageName('ruby', EXTENSIONS)).toBe('Ruby');
});

test('a language without an alias has its identifier', () => {
  expect(languageName('json', EXTENSIONS)).toBe('json');
  expect(languageName('zig', EXTENSIONS)).toBe('zig');
});
