import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainText, renderMarkdown } from '../../src/webview/shared/markdown';

const citations = new Map([[1, { number: 1, label: 'src/a.ts, lines 1 to 3' }]]);

describe('renderMarkdown', () => {
  it('makes a button of a known citation only', () => {
    const html = renderMarkdown('Here [1], not [2], not `[1]`, not [1](x).', citations);
    expect(html.match(/data-citation="1"/g)).toHaveLength(1);
    expect(html).toContain('not [2]');
    expect(html).toContain('<code>[1]</code>');
    expect(html).toContain('aria-label="Citation 1: src/a.ts, lines 1 to 3"');
  });

  it('keeps closing punctuation with its citation', () => {
    expect(renderMarkdown('So it is [1].', citations)).toMatch(
      /<span class="kept"><button [^>]*>1<\/button>\.<\/span>/,
    );
    // A bracket that begins other syntax keeps its meaning.
    expect(renderMarkdown('Here [1][1], (see [1]) and **[1]**', citations).match(/data-citation/g)).toHaveLength(4);
  });

  it('escapes a label in its attribute', () => {
    const html = renderMarkdown('[1]', new Map([[1, { number: 1, label: '"><img src=x onerror=alert(1)>' }]]));
    expect(html).not.toContain('<img');
  });

  it('shows addresses without links', () => {
    const html = renderMarkdown(
      '[docs](https://example.org/a) ![p](https://example.org/p.png) <https://example.org>',
      citations,
    );
    expect(html).not.toMatch(/<a|href|<img|src=/);
    expect(html).toContain('(https://example.org/a)');
  });

  it('renders no element, style or handler of the text', () => {
    const wild = fc
      .array(
        fc.constantFrom(
          '<script>',
          '<img src=x onerror=y>',
          '</button>',
          '[1]',
          '`',
          '```js\n',
          '\n\n',
          '> ',
          '|a|b|\n|:-|-:|\n|c|d|\n',
          '[x](javascript:y)',
          '<style>',
          '&lt;',
          '# ',
          '- ',
          '"',
          ' onclick=x ',
        ),
      )
      .map((parts) => parts.join(''));
    const allowed =
      /^<\/?(p|h[1-6]|ul|ol|li|pre|code|blockquote|table|thead|tbody|tr|th|td|em|strong|s|br|hr|span|button)(?: (class="(citation|kept|address|language-[\w-]*)"|type="button"|data-citation="\d+"|title="[^"<>]*"|aria-label="[^"<>]*"|tabindex="0"|role="group"|start="\d+"))*\s*\/?>$/;
    fc.assert(
      fc.property(wild, (text) => {
        for (const [tag] of renderMarkdown(text, citations).matchAll(/<[^>]*>/g)) expect(tag).toMatch(allowed);
      }),
    );
  });
});

describe('plainText', () => {
  it('has the words without markup', () =>
    expect(plainText('**Bold** `code` [1].\n\n```js\nx\n```')).toBe('Bold code . code'));
});
