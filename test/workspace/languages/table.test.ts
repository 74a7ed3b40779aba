/** The language table: every entry is reachable, and all its references exist. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { entryOf, LANGUAGES, languageOf } from '../../../src/workspace/languages';
import { findGrammars, Grammars } from '../../../src/workspace/segments/syntax/parser';

const words = (text: string | undefined): string[] => text?.split(' ') ?? [];

describe('the language table', () => {
  test.each([
    ['id', LANGUAGES.map(({ id }) => id)],
    ['extension', LANGUAGES.flatMap(({ extensions }) => words(extensions))],
    ['file name', LANGUAGES.flatMap(({ names }) => words(names))],
  ])('has each %s once', (_, values) => {
    expect(values.filter((value, i) => values.indexOf(value) !== i)).toEqual([]);
  });

  test('detects each language by each of its extensions and names', () => {
    for (const { id, extensions, names } of LANGUAGES) {
      for (const extension of words(extensions))
        expect([extension, languageOf(`a/b.${extension}`)]).toEqual([extension, id]);
      for (const name of words(names)) expect([name, languageOf(`a/${name}`)]).toEqual([name, id]);
    }
  });

  test.each(LANGUAGES.flatMap(({ id, grammar }) => (grammar ? [[id, grammar] as const] : [])))(
    'has a grammar and a valid query for %s',
    async (_, grammar) => {
      const directory = findGrammars();
      expect(existsSync(join(directory, `tree-sitter-${grammar.name}.wasm`))).toBe(true);
      const grammars = new Grammars(directory);
      const { query } = await grammars.load(grammar);
      expect(query.captureNames).toContain('name');
      grammars.close();
    },
  );

  test('has a group for the name in every pattern, and one for the specifier in every import pattern', () => {
    const groups = (pattern: RegExp): number =>
      (new RegExp(`${pattern.source}|`, pattern.flags).exec('')?.length ?? 0) - 1;
    for (const { id, patterns = [], imports = [] } of LANGUAGES.map(({ id }) => entryOf(id))) {
      for (const { test } of patterns) {
        expect([id, test.source, groups(test)]).toEqual([id, test.source, 1]);
        expect(test.global).toBe(false);
      }
      for (const pattern of imports) {
        expect(groups(pattern)).toBeGreaterThanOrEqual(1);
        expect(pattern.global).toBe(true);
      }
    }
  });

  /** Files of these languages define nothing. docs/how-to/add-a-language.md states them too. */
  const WITHOUT_DEFINITIONS = words('handlebars jsonl xml csv ignore diff');
  /** The default of `comments`. */
  const COMMENTS_OF_C = words(
    'typescript typescriptreact javascript javascriptreact c cpp cuda-cpp objective-c glsl wgsl java csharp kotlin ' +
      'scala groovy dart go rust swift zig verilog proto3 solidity',
  );

  test('has definitions for every language but those without any', () => {
    const without = LANGUAGES.filter(({ kind = 'code', grammar, patterns = [], scripts, markup }) =>
      kind === 'prose' ? !markup : !grammar && patterns.length === 0 && !scripts,
    );
    expect(without.map(({ id }) => id).sort()).toEqual([...WITHOUT_DEFINITIONS].sort());
  });

  test('has a comment syntax for every language of code and data, or the one of C', () => {
    const without = LANGUAGES.filter(({ kind, comments }) => kind !== 'prose' && !comments);
    expect(without.map(({ id }) => id).sort()).toEqual([...COMMENTS_OF_C].sort());
  });

  test('documents definitions by comments or strings', () => {
    // Data is documented by its comments too; JSON and tables have none.
    const mute = LANGUAGES.filter(
      ({ kind, comments, documentation }) =>
        kind !== 'prose' && comments && !comments.line && comments.blocks.length === 0 && documentation !== 'docstring',
    );
    expect(mute.map(({ id }) => id).sort()).toEqual(['csv', 'json', 'jsonl']);
  });

  test('returns an entry for an unknown language', () => {
    expect(entryOf('brainfuck')).toEqual({ id: 'brainfuck' });
    expect(entryOf('constructor')).toEqual({ id: 'constructor' });
  });
});
