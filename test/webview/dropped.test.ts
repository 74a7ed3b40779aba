import { expect, it } from 'vitest';
import { droppedUris, isDragOfFiles } from '../../src/webview/answer/dropped';

const drag = (data: Record<string, string>) => ({
  dataTransfer: { types: Object.keys(data), getData: (type: string) => data[type] ?? '' },
});

it('takes the editor’s list of addresses before the usual one', () => {
  const event = drag({
    'text/uri-list': 'file:///other',
    'application/vnd.code.uri-list': 'file:///w/a.ts\r\nfile:///w/b%20c.md\r\n',
  });
  expect(isDragOfFiles(event)).toBe(true);
  expect(droppedUris(event)).toEqual(['file:///w/a.ts', 'file:///w/b%20c.md']);
});

it('leaves out comments, and reads the usual list where the editor’s is empty', () => {
  expect(droppedUris(drag({ 'application/vnd.code.uri-list': '', 'text/uri-list': '# one\nfile:///w/a\n' }))).toEqual([
    'file:///w/a',
  ]);
});

it('leaves other drags to the editor', () => {
  expect(isDragOfFiles(drag({ 'text/plain': 'x' }))).toBe(false);
  expect(droppedUris(drag({ 'text/plain': 'x' }))).toEqual([]);
  expect(isDragOfFiles({ dataTransfer: null })).toBe(false);
});
