/** Results on their way out: lines of the file for HTML, pages, sections and cells for what is extracted. */
import { describe, expect, it } from 'vitest';
import { FileLines } from '../../src/app/file-lines';
import type { Document, Place } from '../../src/workspace';

const HTML: Place[] = [
  { kind: 'line', number: 4, startLine: 1, endLine: 2 },
  { kind: 'line', number: 9, startLine: 3, endLine: 6 },
  { kind: 'line', number: 20, startLine: 7, endLine: 7 },
];
const PDF: Place[] = [
  { kind: 'page', number: 1, startLine: 1, endLine: 30 },
  { kind: 'page', number: 2, startLine: 31, endLine: 60 },
];

function lines(): { lines: FileLines; read: string[] } {
  const read: string[] = [];
  const documents = {
    read: async (file: string): Promise<Document> => {
      read.push(file);
      const places = file.endsWith('.pdf') ? PDF : file.endsWith('.html') ? HTML : undefined;
      return { file, path: file, language: 'markdown', text: '', hash: '', ...(places ? { places } : {}) };
    },
  };
  return { lines: new FileLines(documents), read };
}

const span = (file: string, startLine: number, endLine: number) => ({ file, path: file, startLine, endLine });

describe('lines of results', () => {
  it('are those of the file for HTML, wherever spans stand in a result', async () => {
    const { lines: converter, read } = lines();
    const result = {
      spans: [{ ...span('a.html', 3, 7), text: 't' }],
      deep: { groups: [{ span: span('a.html', 1, 2) }] },
    };
    expect(await converter.convert(result)).toEqual({
      spans: [{ ...span('a.html', 9, 20), text: 't' }],
      deep: { groups: [{ span: span('a.html', 4, 4) }] },
    });
    expect(read).toEqual(['a.html']);
  });

  it('stay those of the text with the page for a PDF, and are not looked at for plain text', async () => {
    const { lines: converter, read } = lines();
    expect(await converter.convert([span('a.pdf', 31, 33), span('a.ts', 1, 2)])).toEqual([
      { ...span('a.pdf', 31, 33), place: { kind: 'page', number: 2 } },
      span('a.ts', 1, 2),
    ]);
    expect(read).toEqual(['a.pdf']);
  });

  it('lead back to the text', async () => {
    const { lines: converter } = lines();
    expect(await converter.toText('a.html', { startLine: 9, endLine: 12 })).toEqual({ startLine: 3, endLine: 6 });
    expect(await converter.toText('a.html', { startLine: 1, endLine: 2 })).toEqual({ startLine: 1, endLine: 1 });
    expect(await converter.toText('a.ts', { startLine: 5, endLine: 6 })).toEqual({ startLine: 5, endLine: 6 });
  });

  it('are converted in the order in which events are sent', async () => {
    const { lines: converter } = lines();
    const sent: unknown[] = [];
    const stream = converter.stream((value: unknown) => sent.push(value));
    stream.send(span('a.html', 1, 1));
    stream.send({ type: 'delta' });
    await stream.sent();
    expect(sent).toEqual([span('a.html', 4, 4), { type: 'delta' }]);
  });

  it('of a file that cannot be read stay as they are', async () => {
    const converter = new FileLines({ read: () => Promise.reject(new Error('gone')) });
    expect(await converter.convert(span('a.html', 1, 2))).toEqual(span('a.html', 1, 2));
  });
});
