/** PDF, EPUB and DOCX: their text and places, and documents that give none. */
import { describe, expect, test } from 'vitest';
import { extractDocx } from '../../../../src/workspace/sources/extractors/docx';
import { extractEpub } from '../../../../src/workspace/sources/extractors/epub';
import { extractPdf } from '../../../../src/workspace/sources/extractors/pdf/pdf';
import { makeDocx, makeEpub, makePdf, paragraph, zip } from '../documents/make-documents';

const LIMITS = { maxCharacters: 1_000_000 };

describe('PDF', () => {
  const sentence = 'The valve opens at a pressure of four bar and closes at three.';

  test('gives text by pages, headings by size, lists, code and whole words', async () => {
    const bytes = makePdf([
      [
        { text: 'Pump manual', y: 720, size: 20 },
        { text: sentence, y: 690 },
        { text: 'A line that ends in a hyphen-', y: 678 },
        { text: 'ated word goes on.', y: 666 },
        { text: '\x95 first', y: 640 },
        { text: 'let bar = 4;', y: 610, font: 'F2' },
        { text: 'close();', x: 84, y: 598, font: 'F2' },
      ],
      [
        { text: 'Maintenance', y: 720, size: 14 },
        { text: 'name', y: 690 },
        { text: 'value', x: 200, y: 690 },
      ],
    ]);
    const { text, places, language } = await extractPdf(bytes, LIMITS);
    expect(language).toBe('markdown');
    expect(text).toBe(`[page 1]

# Pump manual

${sentence}
A line that ends in a hyphenated
word goes on.

- first

\`\`\`
let bar = 4;
  close();
\`\`\`

[page 2]

## Maintenance

name   value
`);
    expect(places).toEqual([
      { kind: 'page', number: 1, startLine: 1, endLine: 15 },
      { kind: 'page', number: 2, startLine: 16, endLine: 20 },
    ]);
  });

  test('leaves out running titles, page numbers and the table of contents', async () => {
    const contents = [1, 2, 3, 4, 5].map((n) => ({ text: `Part ${n} . . . . . . . . . ${n}`, y: 700 - 12 * n }));
    const pages = [1, 2, 3, 4, 5, 6].map((n) => [
      { text: 'The Pump Company', y: 770 },
      { text: `${sentence} Page ${n} says more.`, y: 500 },
      { text: `${n}`, y: 30 },
    ]);
    const { text } = await extractPdf(makePdf([contents, ...pages]), LIMITS);
    expect(text).toContain('Page 6 says more.');
    expect(text).not.toMatch(/Pump Company|Part 3|^\d$/m);
  });

  test('takes the levels of headings from the outline', async () => {
    const lines = ['1 Purpose', '2 Safety', '3 Care'].flatMap((text, i) => [
      { text, y: 700 - 60 * i, size: 12 },
      { text: sentence, y: 680 - 60 * i },
    ]);
    const { text } = await extractPdf(makePdf([lines], { outline: ['Purpose', 'Safety', 'Care'] }), LIMITS);
    expect(text.match(/^# .*/gm)).toEqual(['# 1 Purpose', '# 2 Safety', '# 3 Care']);
  });

  test('says what is wrong with one that gives no text', async () => {
    await expect(extractPdf(Buffer.from('%PDF-1.4\nnothing'), LIMITS)).rejects.toMatchObject({ code: 'malformed' });
    await expect(extractPdf(new Uint8Array(), LIMITS)).rejects.toMatchObject({ code: 'malformed' });
    await expect(extractPdf(makePdf([[], []]), LIMITS)).rejects.toMatchObject({ code: 'noText' });
    const locked = makePdf([[{ text: sentence, y: 700 }]], { encrypt: true });
    await expect(extractPdf(locked, LIMITS)).rejects.toMatchObject({ code: 'encrypted' });
    const long = makePdf([Array.from({ length: 50 }, (_, i) => ({ text: sentence, y: 780 - 12 * i }))]);
    await expect(extractPdf(long, { maxCharacters: 1_000 })).rejects.toMatchObject({ code: 'tooLarge' });
  });
});

describe('EPUB', () => {
  test('gives chapters in the order of reading, one section each', () => {
    const bytes = makeEpub(
      {
        'b.xhtml': '<h1>Second</h1><p>Two &amp; a half.</p>',
        'a.xhtml': '<h1>First</h1><p>One.</p><ul><li>x</li></ul>',
      },
      ['a.xhtml', 'b.xhtml'],
    );
    expect(extractEpub(bytes, LIMITS)).toEqual({
      text: '# First\n\nOne.\n\n- x\n\n# Second\n\nTwo & a half.\n',
      language: 'markdown',
      places: [
        { kind: 'section', number: 1, startLine: 1, endLine: 5 },
        { kind: 'section', number: 2, startLine: 7, endLine: 9 },
      ],
    });
  });

  test('says what is wrong with one that gives no text', () => {
    const chapters = { 'a.xhtml': '<p>One.</p>' };
    const extract =
      (bytes: Uint8Array, limits = LIMITS) =>
      () =>
        extractEpub(bytes, limits);
    const malformed = expect.objectContaining({ code: 'malformed' });
    expect(extract(Buffer.from('no archive'))).toThrow(malformed);
    expect(extract(zip({ 'x.html': '<p>One.</p>' }))).toThrow(malformed);
    expect(extract(makeEpub({ 'a.xhtml': '' }, ['a.xhtml']))).toThrow(expect.objectContaining({ code: 'noText' }));
    const encryption = '<encryption><enc:CipherReference URI="OPS/a.xhtml"/></encryption>';
    expect(extract(makeEpub(chapters, ['a.xhtml'], { 'META-INF/encryption.xml': encryption }))).toThrow(
      expect.objectContaining({ code: 'encrypted' }),
    );
    const tooLarge = expect.objectContaining({ code: 'tooLarge' });
    expect(
      extract(makeEpub({ 'a.xhtml': `<p>${'word '.repeat(500)}</p>` }, ['a.xhtml']), { maxCharacters: 100 }),
    ).toThrow(tooLarge);
    const bomb = makeEpub(chapters, ['a.xhtml'], { 'OPS/bomb.html': new Uint8Array(40 << 20) });
    expect(bomb.length).toBeLessThan(100_000);
    expect(extract(bomb)).toThrow(tooLarge);
  });

  test('resolves no entity that a document declares', () => {
    const laughs = '<!DOCTYPE x [<!ENTITY a "ha ha"><!ENTITY b "&a;&a;&a;">]>';
    const bytes = makeEpub({ 'a.xhtml': `${laughs}<p>One &b; two &lt;.</p>` }, ['a.xhtml']);
    expect(extractEpub(bytes, LIMITS).text).toContain('One &b; two <.');
  });
});

describe('DOCX', () => {
  test('gives headings, paragraphs and tables, one section for each chapter', async () => {
    const cell = (text: string): string => `<w:tc>${paragraph(text)}</w:tc>`;
    const bytes = makeDocx(
      paragraph('Purpose', 'Heading1') +
        paragraph('Why we &amp; you meet.') +
        paragraph('Terms', 'Heading2') +
        `<w:tbl><w:tr>${cell('Name')}${cell('Value')}</w:tr></w:tbl>` +
        paragraph('Costs', 'Heading1') +
        paragraph('Nothing.'),
    );
    expect(await extractDocx(bytes, LIMITS)).toEqual({
      text: '# Purpose\n\nWhy we & you meet.\n\n## Terms\n\n| Name | Value |\n\n# Costs\n\nNothing.\n',
      language: 'markdown',
      places: [
        { kind: 'section', number: 1, startLine: 1, endLine: 8 },
        { kind: 'section', number: 2, startLine: 9, endLine: 11 },
      ],
    });
  });

  test('says what is wrong with one that gives no text', async () => {
    await expect(extractDocx(Buffer.from('PK no archive'), LIMITS)).rejects.toMatchObject({ code: 'malformed' });
    await expect(extractDocx(zip({ 'a.xml': '<a/>' }), LIMITS)).rejects.toMatchObject({ code: 'malformed' });
    await expect(extractDocx(makeDocx(''), LIMITS)).rejects.toMatchObject({ code: 'noText' });
    const compound = Uint8Array.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
    await expect(extractDocx(compound, LIMITS)).rejects.toMatchObject({ code: 'encrypted' });
    const laughs = '<!DOCTYPE x [<!ENTITY a "ha">]>';
    await expect(extractDocx(makeDocx(paragraph('&a;'), laughs), LIMITS)).rejects.toMatchObject({ code: 'malformed' });
    const bomb = zip({ 'word/document.xml': new Uint8Array(60 << 20) });
    await expect(extractDocx(bomb, LIMITS)).rejects.toMatchObject({ code: 'tooLarge' });
  });
});
