import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSegmenter, type Segmenter } from '../../../src/workspace/segments/segmenter';

let segmenter: Segmenter;
beforeAll(async () => {
  segmenter = await createSegmenter();
});
afterAll(() => segmenter.close());

async function titles(path: string, language: string, text: string): Promise<string[]> {
  const { symbols } = await segmenter.segment({ path, language, text });
  return symbols.map(({ name, container }) => [...container, name].join(' > '));
}

describe('headings by their form', () => {
  it('are numbered lines of a text that has sections of several levels', async () => {
    const text =
      '1 Post\n\nText.\n\n1.1 Letters\n\nText.\n\n1.2 Cards\n\nText.\n\n2 Office\n\nText.\n\n2.1 Hours\n\nText.\n';
    expect(await titles('a.txt', 'plaintext', text)).toEqual([
      '1 Post',
      '1 Post > 1.1 Letters',
      '1 Post > 1.2 Cards',
      '2 Office',
      '2 Office > 2.1 Hours',
    ]);
  });

  it('are no steps of a list', async () => {
    expect(await titles('a.txt', 'plaintext', '1. Open the drawer\n\n2. Take the letter\n\n3. Close it\n')).toEqual([]);
  });

  it('are Chinese chapters with the sections below them', async () => {
    const text = '第 1 章 邮局\n\n文字。\n\n1.1. 信件\n\n文字。\n\n1.2. 包裹\n\n文字。\n\n1.3. 时间\n\n文字。\n';
    expect(await titles('a.txt', 'plaintext', text)).toEqual([
      '第 1 章 邮局',
      '第 1 章 邮局 > 1.1. 信件',
      '第 1 章 邮局 > 1.2. 包裹',
      '第 1 章 邮局 > 1.3. 时间',
    ]);
  });

  it('are capitals at the margin above indented text', async () => {
    const text = 'NAME\n\n  post - sends\n\nSYNOPSIS\n\n  post [FILE]\n\nDESCRIPTION\n\n  Sends.\n';
    expect(await titles('a.txt', 'plaintext', text)).toEqual(['NAME', 'SYNOPSIS', 'DESCRIPTION']);
  });

  it('are those of AsciiDoc, LaTeX and man pages', async () => {
    expect(await titles('a.adoc', 'asciidoc', '= Post\n\nText.\n\n== Letters\n\nText.\n')).toEqual([
      'Post',
      'Post > Letters',
    ]);
    expect(await titles('a.tex', 'latex', '\\section{Post}\nText.\n\\subsection*{Letters}\nText.\n')).toEqual([
      'Post',
      'Post > Letters',
    ]);
    expect(await titles('a.1', 'troff', '.SH NAME\npost\n.SS "Sub part"\ntext\n')).toEqual(['NAME', 'NAME > Sub part']);
  });

  it('are no lines of code between the delimiters of AsciiDoc, in a .txt file too', async () => {
    const text =
      "post(1)\n=======\n\nNAME\n----\npost - sends\n\n[verse]\n'post' [<file>]\n\nSend it:\n+\n------------\n$ post it\n------------\n" +
      '\nDESCRIPTION\n-----------\nSee linkgit:letter[1].\n\n[[mail]]\n----\nmail --now\n----\n';
    for (const [path, language] of [
      ['a.adoc', 'asciidoc'],
      ['a.txt', 'plaintext'],
    ] as const)
      expect(await titles(path, language, text)).toEqual(['post(1)', 'post(1) > NAME', 'post(1) > DESCRIPTION']);
  });

  it('are underlined titles that begin with a number, in Markdown too', async () => {
    expect(
      await titles('a.md', 'markdown', '5.2.1 / 2025-12-01\n=====\n\n* Text\n\n1. Install\n----\n\nText\n'),
    ).toEqual(['5.2.1 / 2025-12-01', '5.2.1 / 2025-12-01 > 1. Install']);
  });
});
