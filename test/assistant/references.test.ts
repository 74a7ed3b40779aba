import { describe, expect, test } from 'vitest';
import { splitLines } from '../../src/base';
import { isCertain } from '../../src/assistant/references';
import type { Definition } from '../../src/assistant/library';
import { tellingFirst } from '../../src/assistant/uses';
import { MemoryLibrary } from './memory-library';

/** Whether the line with the mark `←` means a definition of the name for certain. */
async function certain(name: string, files: Readonly<Record<string, string>>): Promise<boolean> {
  const marked = Object.entries(files).find(([, text]) => text.includes('←')) as [string, string];
  const clean = Object.fromEntries(Object.entries(files).map(([path, text]) => [path, text.replace(/ *←/, '')]));
  const library = new MemoryLibrary(clean);
  const definitions: Definition[] = await library.definitions(name);
  const line = splitLines(marked[1]).findIndex((text) => text.includes('←')) + 1;
  const { users } = await library.users(name, { limit: 100 });
  const told = await tellingFirst(users, name, library, definitions);
  return told.find(({ use }) => use.span.path === marked[0] && use.span.startLine === line)?.isCertain ?? false;
}

const OPEN = 'def open(path):\n    return path\n';

describe('a reference is certain', () => {
  test.each<[string, string, Record<string, string>]>([
    ['in the file of the definition', 'open', { 'a.py': `${OPEN}\nhandle = open('x') ←\n` }],
    ['when it is imported by name', 'open', { 'a.py': OPEN, 'b.py': 'from .a import open\n\nopen("x") ←\n' }],
    [
      'when the import tells which of two it is',
      'open',
      { 'a.py': OPEN, 'c.py': OPEN, 'b.py': 'from .a import open\n\nopen("x") ←\n' },
    ],
    ['when its module is imported', 'open', { 'store.py': OPEN, 'b.py': 'import store\n\nstore.open("x") ←\n' }],
    [
      'in the folder of its package',
      'load',
      { 'cfg/a.go': 'package cfg\n\nfunc load() {}\n', 'cfg/b.go': 'package cfg\n\nfunc run() {\n\tload() ←\n}\n' },
    ],
    [
      'on the own object',
      'close',
      { 'a.py': 'class Store:\n    def close(self):\n        pass\n\n    def stop(self):\n        self.close() ←\n' },
    ],
    [
      'when a header declares it',
      'run',
      {
        'run.h': 'int run(void);\n',
        'run.cc': '#include "run.h"\nint run(void) { return 1; }\n',
        'main.cc': '#include "run.h"\nint main() {\n  return run(); ←\n}\n',
      },
    ],
    [
      'on a variable that holds a new object of its type',
      'close',
      {
        'a.py': 'class Store:\n    def close(self):\n        pass\n',
        'c.py': 'class Door:\n    def close(self):\n        pass\n',
        'b.py': 'def stop():\n    it = Store()\n    it.close() ←\n',
      },
    ],
    [
      'when its name of several words has one definition',
      'close_store',
      {
        'a.py': 'class Store:\n    def close_store(self):\n        pass\n',
        'b.py': 'def stop(it):\n    it.close_store() ←\n',
      },
    ],
  ])('%s', async (_, name, files) => expect(await certain(name, files)).toBe(true));
});

describe('a reference is a mention', () => {
  test.each<[string, string, Record<string, string>]>([
    ['without an import', 'open', { 'a.py': OPEN, 'b.py': 'handle = open("x") ←\n' }],
    [
      'when another module is imported',
      'open',
      { 'a.py': OPEN, 'c.py': OPEN, 'b.py': 'from os import open\n\nopen("x") ←\n' },
    ],
    ['when a parameter has the name', 'open', { 'a.py': `${OPEN}\ndef f(open):\n    return open(1) ←\n` }],
    [
      'when a variable has the name',
      'load',
      { 'a.js': 'function load() {}\nfunction run() {\n  const load = other;\n  load(); ←\n}\n' },
    ],
    [
      'on an object of unknown type',
      'close',
      { 'a.py': 'class Store:\n    def close(self):\n        pass\n', 'b.py': 'def stop(it):\n    it.close() ←\n' },
    ],
    ['in another language', 'load', { 'a.go': 'package a\n\nfunc load() {}\n', 'b.py': 'load() ←\n' }],
  ])('%s', async (_, name, files) => expect(await certain(name, files)).toBe(false));
});

test('licences, translations, strings and comments use nothing', async () => {
  const library = new MemoryLibrary({
    'src/limit.py': 'def apply_limit(x):\n    return x\n\nTEXT = "apply_limit is great"\n# apply_limit is slow\n',
    LICENSE: 'You may apply_limit as you like.\n',
    'locales/de.po': 'msgid "apply_limit"\nmsgstr "apply_limit"\n',
    'data.json': '{ "apply_limit": 1 }\n',
  });
  const { users } = await library.users('apply_limit', { limit: 50 });
  const definitions = await library.definitions('apply_limit');
  expect(users.length).toBeGreaterThan(3);
  expect(await tellingFirst(users, 'apply_limit', library, definitions)).toEqual([]);
});

test('no definition means no certainty', () => {
  const reference = { file: '/w/a.py', path: 'a.py', language: 'python', lines: ['run()'], line: 1 };
  expect(isCertain('run', [], reference)).toBe(false);
});
