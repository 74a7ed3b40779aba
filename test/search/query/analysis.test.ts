import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyseQuestion, type SoughtName } from '../../../src/search/query/analysis';

const names = (text: string, kind: SoughtName['kind']): string[] =>
  analyseQuestion(text)
    .names.filter((name) => name.kind === kind)
    .map((name) => name.text);
const weightOf = (text: string, term: string): number | undefined =>
  analyseQuestion(text).terms.find((t) => t.term === term)?.weight;

describe('analyseQuestion', () => {
  it.each([
    ['How does resolve_redirects call rebuild_auth?', ['resolve_redirects', 'rebuild_auth']],
    ['Why is key.lower() slow in CaseInsensitiveDict?', ['key', 'lower', 'CaseInsensitiveDict']],
    ['What does `flush` do?', ['flush']],
    ['Does __post_init__ run twice?', ['__post_init__']],
    ['Where is the "diff" function defined?', ['diff']],
    ["What does 'flush' do?", ['flush']],
    ['What does g hold?', ['g']],
    ['who says "no such file" when it isn\'t there, e.g. a path?', []],
    ['What is `os`?', ['os']],
    ['What is a well-known Unicode problem of the CLI?', []],
    ['who wrote the page(s) about it', []],
  ])('finds the identifiers of %j', (text, expected) => expect(names(text, 'identifier')).toEqual(expected));

  it('takes capitalized words within a sentence for names, except the first word', () => {
    expect(names('Where does Flask register a Blueprint? Does Werkzeug help?', 'proper')).toEqual([
      'Flask',
      'Blueprint',
      'Werkzeug',
    ]);
  });

  it('joins neighbouring words that may be one name, also in the singular', () => {
    const compounds = names('throw on duplicate class fields', 'compound');
    expect(compounds).toContain('duplicate_class_fields');
    expect(compounds).toContain('duplicate_class_field');
    expect(names('hooks, errors', 'compound')).toEqual([]);
  });

  it('takes a word in kebab-case for a possible name in another casing', () => {
    expect(names('how is select-component shown', 'compound')).toContain('select-component');
    expect(analyseQuestion('how is select-component shown').names.map(({ term }) => term)).toContain(
      '=selectcomponent',
    );
  });

  it('keeps a capitalized word within a sentence that would be a stop word in lower case', () => {
    expect(weightOf('Where is the About dialog?', 'about')).toBe(1);
    expect(names('Where is the About dialog?', 'compound')).toContain('About_dialog');
    expect(weightOf('How Does Flask Tell About Errors?', 'about')).toBeUndefined();
    expect(weightOf('What is this about?', 'about')).toBeUndefined();
  });

  it('reads paths and file names', () => {
    expect(
      analyseQuestion('What does src/app/Main.py import from ./utils.ts, e.g. and/or I/O via os.path?').files,
    ).toEqual(['src/app/main.py', 'utils.ts']);
    expect(analyseQuestion('see packages/svelte/src/compiler.').files).toEqual(['packages/svelte/src/compiler']);
  });

  it('keeps quoted runs of words', () => {
    expect(analyseQuestion('who prints "No such   file" and `export { a }`').phrases).toEqual([
      'no such file',
      'export { a }',
    ]);
  });

  it('drops question words, and gives words of design talk a lower weight', () => {
    const text = 'What is the architectural purpose of the session cookie?';
    expect(weightOf(text, 'what')).toBeUndefined();
    expect(weightOf(text, 'session')).toBe(1);
    expect(weightOf(text, 'purpos')).toBeLessThan(0.6);
  });

  it("gives the project's own name a low weight, and looks up no definition of it", () => {
    const { terms, names } = analyseQuestion('Where does Flask keep the Flask session?', { ownNames: ['flask'] });
    expect(terms.find(({ term }) => term === 'flask')?.weight).toBeLessThan(0.5);
    expect(names.map(({ text }) => text)).toEqual([]);
    expect(weightOf('Where does Flask keep the session?', 'flask')).toBe(1);
  });

  it('uses the previous question as far as it has few words of its own', () => {
    const before = 'How often is a failed HttpRequest tried again?';
    const asked = (text: string) => analyseQuestion(text, { before });
    const weightIn = (text: string, term: string) => asked(text).terms.find((each) => each.term === term)?.weight ?? 0;
    expect(weightIn('And when is a berth released?', 'berth')).toBe(1);
    expect(weightIn('And when is a berth released?', 'fail')).toBeLessThan(0.3);
    expect(asked('And when is a berth released?').names.some(({ text }) => text === 'HttpRequest')).toBe(false);
    expect(weightIn('And where is it called?', 'fail')).toBeGreaterThan(0.5);
    expect(asked('And where is it called?').names.some(({ text }) => text === 'HttpRequest')).toBe(true);
  });

  it('adds the short forms that programmers use for a word', () => {
    const term = analyseQuestion('loading the configuration').terms.find((t) => t.term === 'configur');
    expect(term?.alternatives?.map((other) => other.term)).toContain('config');
  });

  it('reads the intent', () => {
    expect(analyseQuestion('Which tests cover the parser?').intent.tests).toBe(true);
    expect(analyseQuestion('What tests whether the value is null?').intent.tests).toBe(false);
    for (const text of ['How are hooks run before each test?', 'What happens when a test times out?'])
      expect(analyseQuestion(text).intent.tests, text).toBe(false);
    for (const text of ['What error does the failing test raise?', 'Where is the parser tested?'])
      expect(analyseQuestion(text).intent.tests, text).toBe(true);
    for (const text of [
      'How do I install the package?',
      'Where is the documentation of hooks?',
      'is there any documentation',
    ])
      expect(analyseQuestion(text).intent.docs, text).toBe(true);
    expect(analyseQuestion('where are documentation locations read').intent.docs).toBe(false);
    expect(analyseQuestion('Where are the messages translated?').intent.translations).toBe(true);
    expect(analyseQuestion('如何安装').intent.translations).toBe(true);
    expect(analyseQuestion('How does the parser recover?').intent).toEqual({
      tests: false,
      examples: false,
      docs: false,
      config: false,
      types: false,
      history: false,
      translations: false,
      asked: undefined,
    });
  });

  it.each([
    ['Which tests cover the parser?', 'tests'],
    ['where is the parser tested', 'tests'],
    ['Where is the parser documented?', 'docs'],
    ['Where is the documentation of hooks?', 'docs'],
    ['How do I install the package?', undefined],
    ['What error does the failing test raise?', undefined],
    ['where are documentation locations read', undefined],
    ['What tests whether the value is null?', undefined],
  ])('tells whether %j asks for tests or documentation alone', (text, asked) =>
    expect(analyseQuestion(text).intent.asked).toBe(asked),
  );

  it('accepts any text: at most 32 terms, positive weights, no repetition', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 400 }), fc.lorem({ maxCount: 80 })), (text) => {
        const { terms, names: sought } = analyseQuestion(text);
        expect(terms.length).toBeLessThanOrEqual(32);
        expect(new Set(terms.map((t) => t.term)).size).toBe(terms.length);
        for (const { term, weight } of terms) expect(term.length > 0 && weight > 0).toBe(true);
        expect(new Set(sought.map((n) => n.term)).size).toBe(sought.length);
      }),
    );
  });
});
