import fc from 'fast-check';
import MarkdownIt from 'markdown-it';
import { Marked, type Token } from 'marked';
import { describe, expect, it } from 'vitest';
import {
  commandUri,
  escapeMarkdown,
  safeAnswer,
  SafeMarkdownStream,
  withoutPicturesAndHtml,
} from '../../src/host/markdown';

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

  it('show any name literally', () => {
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

/** Texts that try to show a picture or HTML, in every form of Markdown. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '![x](https://example.org/p.png)',
        '\\![x](https://example.org/p.png)',
        '\\\\![x](https://example.org/p.png)',
        '![x][r]',
        '![r][]',
        '![r]',
        '[r]: https://example.org/p.png\n',
        '[![x](https://example.org/p.png)](https://example.org)',
        '!\\[x](y)',
        '&#33;[x](https://example.org/p.png)',
        '!&#91;x](y)',
        '<https://example.org/p.png>',
        'https://example.org/p.png',
        '<img src="https://example.org/p.png">',
        '<img\nsrc=https://example.org/p.png>',
        '!<b>[x](https://example.org/p.png)',
        '!\u200b[x](https://example.org/p.png)',
        '!\\\n[x](https://example.org/p.png)',
        '[x]: <https://example.org/p.png>\n',
        '![x](<https://example.org/p.png> "t")',
        '![x](command:workbench.action.quit)',
        '<a href="https://example.org">![x](https://example.org/p.png)</a>',
        '<svg onload=x()>',
        '<style>@import "https://example.org/p.css"</style>',
        '$(sync~spin)',
        '<IMG/src=x onerror=y>',
        '<im<b>g src=x>',
        '<script>x()</script>',
        '<!-- -->',
        '<?x?>',
        '<![CDATA[x]]>',
        '&lt;img src=x&gt;',
        '```',
        '````',
        '``` js',
        '~~~',
        '`',
        '``',
        '$$',
        '$',
        '> ',
        '- ',
        '    ',
        ' ',
        '\t',
        '\r\n',
        '\n',
        '\n\n',
        '!',
        '[',
        '<',
        '\\',
        '| a |\n|---|\n',
        '\u200b',
      ),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.join(''));

const permissive = new MarkdownIt({ html: true, linkify: true, typographer: true });

/** Types of all tokens of a rendered text, including nested ones. */
function tokenTypes(text: string): Set<string> {
  const types = new Set<string>();
  for (const token of permissive.parse(text, {})) {
    types.add(token.type);
    for (const child of token.children ?? []) types.add(child.type);
  }
  return types;
}

/**
 * The editor's renderer: `marked` of the version that VS Code contains. A Markdown string without trust shows pictures
 * of any address, and drops HTML.
 */
const editor = new Marked({ gfm: true, breaks: true, renderer: { html: () => '' } });

function editorTokens(text: string): Set<string> {
  const types = new Set<string>();
  editor.walkTokens(editor.lexer(text), (token: Token) => void types.add(token.type));
  return types;
}

function expectHarmless(safe: string): void {
  for (const type of ['image', 'html']) expect(editorTokens(safe)).not.toContain(type);
  expect(editor.parse(safe, { async: false })).not.toMatch(
    /<(?:img|script|iframe|svg|style|video|audio|object|link)\b/i,
  );
  const types = tokenTypes(safe);
  for (const type of ['image', 'html_inline', 'html_block']) expect(types).not.toContain(type);
  expect(permissive.render(safe)).not.toMatch(/<(?:img|script|iframe|svg|style|video|audio|object)\b/i);
}

it('the editor shows a picture of another host where nothing is done about it', () => {
  for (const text of [
    '![x](https://example.org/p.png)',
    '\\\\![x](https://example.org/p.png)',
    '![r]\n\n[r]: https://e.org/p',
  ])
    expect(editorTokens(text)).toContain('image');
});

describe('text of the workspace in a hover', () => {
  it('shows no picture and no HTML, for any text', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const safe = withoutPicturesAndHtml(text);
        // The check is strict: no characters that begin a picture or HTML remain, so no renderer can find them.
        expect(safe).not.toMatch(/!\[|<[a-z/!?]/i);
        expectHarmless(safe);
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ['a picture behind a backslash', '\\![x](https://example.org/p.png)'],
    ['a picture by reference', '![x][r]\n\n[r]: https://example.org/p.png'],
    ['a picture in HTML', '<img src="https://example.org/p.png">'],
  ])('shows no %s', (_, text) => {
    expectHarmless(withoutPicturesAndHtml(text));
  });

  it('keeps its words, code and links, without the layout tags of doc comments', () => {
    const text =
      '<p>Takes a `Map<String>` &amp; returns <b>it</b>. See [docs](https://example.org).\n\n```rust\nvec![1]\n```';
    const visible = withoutPicturesAndHtml(text).replaceAll('\u200b', '');
    expect(visible).toBe(
      'Takes a `Map<String>` &amp; returns it. See [docs](https://example.org).\n\n```rust\nvec![1]\n```',
    );
  });
});

describe('an answer in the chat', () => {
  it('shows no picture and no HTML outside code blocks, for any text', () => {
    fc.assert(
      fc.property(hostile, (text) => expectHarmless(safeAnswer(text))),
      { numRuns: 3_000 },
    );
  });

  it('is the same for any division into pieces', () => {
    fc.assert(
      fc.property(hostile, fc.array(fc.nat({ max: 40 }), { maxLength: 8 }), (text, cuts) => {
        const stream = new SafeMarkdownStream();
        let shown = '';
        let at = 0;
        for (const length of cuts) {
          shown += stream.push(text.slice(at, at + length));
          at += length;
        }
        expect(shown + stream.push(text.slice(at)) + stream.end()).toBe(safeAnswer(text));
      }),
    );
  });

  it('keeps code blocks unchanged, so that they can be copied', () => {
    const code = '```rust\nlet a: Vec<u8> = vec![1]; // <b> ~~~ $$\n```';
    expect(safeAnswer(`Best match [1].\n\n${code}\n\n> vec![1] <b>`)).toBe(
      `Best match [1].\n\n${code}\n\n> vec!\u200b[1] <\u200bb>`,
    );
  });
});
