import fc from 'fast-check';
import MarkdownIt from 'markdown-it';
import { describe, expect, it } from 'vitest';
import { commandUri, escapeMarkdown } from '../../src/host/hover/links';

const markdown = new MarkdownIt({ html: true });
const wild = fc.string({ unit: fc.constantFrom(...'ab (){}[]<>\'"`*_#%&|\\/:.-!~$\n\tß🙂') });

describe('links of a hover', () => {
  it('carry any file name through Markdown and back', () => {
    fc.assert(
      fc.property(wild, (name) => {
        const uri = commandUri('anchorage.openSpan', { file: `/w/${name}`, path: name, startLine: 3, endLine: 9 });
        const html = markdown.renderInline(`[x](${uri})`);
        const href = /href="([^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&') ?? '';
        expect(JSON.parse(decodeURIComponent(href.slice(href.indexOf('?') + 1)))).toEqual([`/w/${name}`, 3, 9]);
      }),
    );
  });

  it('show any name as it is', () => {
    fc.assert(
      fc.property(wild, (name) => {
        const html = markdown.renderInline(`[${escapeMarkdown(`x${name}x`)}](y)`);
        const text = html
          .replace(/^<a href="y">|<\/a>$/g, '')
          .replaceAll('&lt;', '<')
          .replaceAll('&gt;', '>')
          .replaceAll('&quot;', '"')
          .replaceAll('&amp;', '&');
        expect(text).toBe(`x${name}x`.replace(/\s+/g, ' '));
      }),
    );
  });
});
