import { expect, test } from 'vitest';
import type { RankedSpan } from '../../../src/protocol';
import { listIn, withWholeList } from '../../../src/search/listing/prose-lists';

const TEXT = [
  'The following errors exist:',
  '',
  '- `UsageError` to inform the user that something went wrong.',
  '- `BadParameter` to inform the user that something went wrong with',
  '  a specific parameter. These are often handled internally and',
  '  augmented. For instance those of a callback.',
  '- `FileError` is raised if a file cannot be opened',
].join('\n');

const spanOf = (text: string): RankedSpan =>
  ({ file: '/w/a.md', path: 'a.md', startLine: 10, endLine: 16, text, breadcrumb: ['Errors'] }) as never;

test('an item is its first sentence, over all of its lines; further sentences are no items', () => {
  const list = listIn(spanOf(TEXT));
  expect(list?.items.map(({ text, startLine }) => [startLine, text])).toEqual([
    [12, '`UsageError` to inform the user that something went wrong.'],
    [13, '`BadParameter` to inform the user that something went wrong with a specific parameter.'],
    [16, '`FileError` is raised if a file cannot be opened'],
  ]);
});

test('rows of a table are items without its head', () => {
  const table = '| Name | Meaning |\n| --- | --- |\n| a | first |\n| b | second |';
  expect(listIn(spanOf(table))?.items.map(({ text }) => text)).toEqual(['a · first', 'b · second']);
});

test('a passage grows by the list that it is a part of, over its announcement', () => {
  const lines = [
    '# Types',
    '',
    'The types are these:',
    '',
    '- {data}`click.STRING`:',
    '  The default type.',
    '- :class:`~click.File` opens',
    '  a file',
    '',
    '- `Path`',
    '  - `exists` asks for one',
    '- `Choice`',
    '',
    '*   .. autoclass:: DateTime',
    '       :noindex:',
    '',
    'Other types are your own.',
  ];
  const part = { ...spanOf(lines.slice(6, 8).join('\n')), startLine: 7, endLine: 8 };
  const whole = withWholeList(part, lines);
  expect([whole.startLine, whole.endLine]).toEqual([3, 15]);
  expect(listIn(whole)?.items.map(({ text }) => text)).toEqual([
    '`click.STRING`: The default type.',
    '`File` opens a file',
    '`Path`',
    '`Choice`',
    '`DateTime`',
  ]);
});

test('a passage without a list at its ends stays as it is', () => {
  const lines = ['- a', '- b', '', 'Text.', '', '- c'];
  const text = { ...spanOf('Text.'), startLine: 4, endLine: 4 };
  expect(withWholeList(text, lines)).toBe(text);
});
