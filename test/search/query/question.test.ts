import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codeNames, identifierWords, parseQuestion, termsIn, withBareNames } from '../../../src/search';
import { stem } from '../../../src/workspace';

test.each([
  ['Where is the session opened?', 'where'],
  ['Which file defines the router?', 'where'],
  ['How does Flask dispatch a request?', 'how'],
  ['Who calls `send_file`?', 'users'],
  ['Where is get_adapter used?', 'users'],
  ['Who calls wakeup!?', 'users'],
  ['Which methods call flush?', 'users'],
  ['What is the default timeout?', 'value'],
  ['What is a Blueprint?', 'what'],
  ['Why are cookies merged?', 'why'],
  ['What happens at the size limit?', 'outcome'],
  ['Was passiert, wenn die Datei fehlt?', 'outcome'],
  ['List all built-in encoders.', 'list'],
  ['Which bindings are there?', 'list'],
  ['有哪些编码器？', 'list'],
  ['Compare keys and keys_unsorted.', 'compare'],
  ['What is the difference between map and map_values?', 'compare'],
  ['Worin liegt der Unterschied zwischen Kopie und Verweis?', 'compare'],
  ['Why is the default limit so low?', 'why'],
  ['Pourquoi une copie ?', 'why'],
  ['Which version of Node is required?', 'value'],
  ['Which wildcards does version 5 accept?', 'what'],
  ['retry backoff', 'other'],
])('%s is a question of the form %s', (text, form) => expect(parseQuestion(text).form).toBe(form));

describe('names of code', () => {
  test.each([
    ['How does `Session.send` work?', ['Session', 'send']],
    ['what does merge_environment_settings do', ['merge_environment_settings']],
    ['explain getUserId()', ['getUserId']],
    ['the HTTPAdapter and os.path', ['HTTPAdapter', 'os', 'path']],
    ['how does the Session class keep cookies', ['Session']],
    ['How is it done?', []],
    ['Who calls wakeup!?', ['wakeup!']],
    ['When does wakeup! return', ['wakeup!']],
    ['what invokes the serialize function?', ['serialize']],
    ['How do I stop it? Thanks!', []],
    ['who calls whom', []],
    ['Where is robots.txt obeyed, and tox.ini read?', []],
    ['what does robots.txt() do', ['robots', 'txt']],
    ['Which functions call other services?', []],
  ])('%s', (text, names) => expect(codeNames(text).sort()).toEqual([...names].sort()));
});

test.each([
  ['What are `a_b`, `Session.send` and `run()`?', 'What are a_b, Session.send and run()?'],
  ['Why does `a < b` fail, and what is "c"?', 'Why does `a < b` fail, and what is "c"?'],
])('%s loses the backticks around names', (question, read) => expect(withBareNames(question)).toBe(read));

test("the project's own name is not a name of code and has a low weight, unless it is written as code", () => {
  const { names, terms } = parseQuestion('How does Caddy renew certificates?', ['caddy']);
  expect(names).toEqual([]);
  expect(terms.get(stem('caddy'))).toBeLessThan(terms.get(stem('renew')) ?? 0);
  expect(parseQuestion('What is a `Caddy`?', ['caddy']).names).toEqual(['Caddy']);
});

test('tests are requested only where the question asks for certain ones', () => {
  expect(parseQuestion('Which tests cover the parser?').wants.tests).toBe(true);
  expect(parseQuestion('How are hooks run before each test?').wants.tests).toBe(false);
});

test('terms of a text are stems, identifiers as a whole, and plain words', () => {
  expect([...termsIn('self.maxRetries = 3')]).toEqual(
    expect.arrayContaining(['self', 'max', stem('retries'), 'maxretries', '3']),
  );
  for (const word of ['dispatches', 'dispatched', 'dispatching'])
    expect(termsIn(word).has(stem('dispatch')), word).toBe(true);
});

test('names are split into words', () => {
  expect(identifierWords('HTTPAdapter2')).toEqual(['http', 'adapter']);
  expect(identifierWords('max_retries')).toEqual(['max', 'retries']);
});

test('names of code weigh more than their parts, and both more than words', () => {
  const { terms } = parseQuestion('Where does getAdapter cache an answer?');
  const weights = ['getadapter', stem('adapter'), stem('cache')].map((term) => terms.get(term) ?? 0);
  expect(weights[0]).toBeGreaterThan(weights[1] as number);
  expect(weights[1]).toBeGreaterThan(weights[2] as number);
  expect(weights[2]).toBeGreaterThan(0);
});

test('a question of stop words only still has terms', () => {
  expect(parseQuestion('what does it do?').terms.size).toBeGreaterThan(0);
});

test('any text parses', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { terms, names } = parseQuestion(text);
      for (const [term, weight] of terms) expect(term.length > 0 && weight > 0).toBe(true);
      for (const name of names) expect(text).toContain(name);
    }),
  );
});
