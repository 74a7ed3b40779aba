import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  COMMANDS,
  generalHelp,
  helpOf,
  isCommand,
  parse,
  UsageError,
  wholeNumber,
  type CommandName,
} from '../../src/cli/arguments';
import { parseQuery } from '../../src/cli/queries';
import { printable } from '../../src/base';
import { renderMarkdown } from '../../src/cli/render';
import { cacheDirectory } from '../../src/app';

describe('arguments', () => {
  test('operands, repeated folders and flags', () => {
    const args = parse('ask', ['how', 'it works', '-w', 'a', '--workspace', 'b', '--json', '--in', 'src']);
    expect(args).toMatchObject({
      operands: ['how', 'it works'],
      workspace: ['a', 'b'],
      json: true,
      in: 'src',
      progress: false,
    });
  });

  test.each<[CommandName, string[]]>([
    ['ask', ['--nonsense']],
    ['index', ['--limit', '3']],
    ['search', ['--limit']],
    ['why', ['--json=yes']],
  ])('%s %j is refused', (command, argv) => {
    expect(() => parse(command, argv)).toThrow(UsageError);
  });

  test.each(['0', '-1', '1.5', 'ten', ''])('a limit of "%s" is refused', (value) => {
    expect(() => wholeNumber('limit', value, 20, 'search')).toThrow(/whole number/);
  });

  test('every command has help that names its options', () => {
    for (const name of Object.keys(COMMANDS) as CommandName[]) {
      expect(isCommand(name)).toBe(true);
      expect(generalHelp()).toContain(name);
      for (const option of Object.keys(COMMANDS[name].options)) expect(helpOf(name)).toContain(`--${option}`);
      expect(helpOf(name)).toContain('--workspace');
    }
    expect(isCommand('toString')).toBe(false);
  });
});

test.each([
  ['{"id":1,"question":"q"}', { id: 1, question: 'q' }],
  ['{"id":"a","question":"q","more":2}', { id: 'a', question: 'q' }],
])('query %s', (line, query) => expect(parseQuery(line, 1)).toEqual(query));

test.each(['', 'no json', '[]', 'null', '{"id":1}', '{"question":"q"}', '{"id":{},"question":"q"}'])(
  'no query: %s',
  (line) => {
    expect(() => parseQuery(line, 7)).toThrow(/Line 7/);
  },
);

test('caches lie where the system wants them', () => {
  expect(cacheDirectory({ XDG_CACHE_HOME: '/x' }, 'linux')).toBe(join('/x', 'anchorage'));
  expect(cacheDirectory({}, 'linux')).toBe(join(homedir(), '.cache', 'anchorage'));
  expect(cacheDirectory({}, 'darwin')).toBe(join(homedir(), 'Library', 'Caches', 'anchorage'));
});

describe('what is printed', () => {
  const plain = { colour: false, width: 80 };

  test('control characters of a file cannot command the terminal', () => {
    expect(printable('a\u001b[31mb\u0007\u009bc\td')).toBe('a\uFFFD[31mb\uFFFD\uFFFDc\td');
    expect(renderMarkdown('```\n\u001b]0;title\u0007\n```', plain)).not.toContain('\u001b');
  });

  test('code is indented, inline marks are unwrapped, markers stay', () => {
    expect(renderMarkdown('**`f`** is `a`. [1]\n\n````py\nx = "```"\n````', plain)).toBe(
      'f is a. [1]\n\n    x = "```"',
    );
  });
});
