/** HTML: what is a document and what is code, the text of a document, and its lines in the source. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { HTML, htmlAsProse } from '../../../../src/workspace/sources/extractors/html';
import { createSegmenter } from '../../../../src/workspace/segments/segmenter';

const CASE = `${process.cwd()}/../shared/cases/09-html-upper-case-script/files/legacy.html`;

const PAGE = `<!DOCTYPE html>
<HTML><HEAD><TITLE>Operating guide</TITLE><STYLE>p { color: red }</STYLE></HEAD><BODY>
<nav><ul><li><a href="/">Home of all pages</a></li></ul></nav>
<H1>The <em>pump</em> guide</H1>
<P>The pump starts after <code>--delay</code> seconds, and it
stops when the tank holds less than 5&nbsp;litres &amp; the alarm rings.
<p>Second paragraph of the guide.<br>After the break.
<ul><li>first item<li>second item<ul><li>nested item</ul><li><p>an item with a paragraph</p></ul>
<ol start="3"><li>third step<li>fourth step</ol>
<table><tr><th>Name</th><th>Default value</th></tr>
<tr><td><p>timeout</p></td><td>30 s</td></tr></table>
<dl><dt>Head</dt><dd>The height of the water column.</dd><dt>Flow:</dt><dd><p>Litres per minute.</p></dd></dl>
<pre class="language-js">
let a = 1 &lt; 2;

   stop(\`x\`);
</pre>
<SCRIPT>var hidden = 1;</SCRIPT>
<div class="toc"><p>Contents of the page, which nobody quotes</p></div>
<table><tr><td><h2>Layout</h2><p>Text in a table that is a layout.</p></td><td>A margin.</td></tr></table>
</BODY></HTML>
`;

describe('a document in HTML', () => {
  const extraction = htmlAsProse(PAGE);
  const text = extraction?.text ?? '';
  const lines = text.split('\n');

  test('becomes headings, paragraphs, lists, tables and code', () => {
    expect(extraction?.language).toBe('markdown');
    expect(text).toBe(
      `# The pump guide

The pump starts after \`--delay\` seconds, and it stops when the tank holds less than 5 litres & the alarm rings.

Second paragraph of the guide.
After the break.

- first item
- second item
  - nested item
- an item with a paragraph

3. third step
4. fourth step

| Name | Default value |
| --- | --- |
| timeout | 30 s |

- Head: The height of the water column.
- Flow: Litres per minute.

\`\`\`js
let a = 1 < 2;

   stop(\`x\`);
\`\`\`

## Layout

Text in a table that is a layout.

A margin.
`,
    );
  });

  test('knows the source line of every line', () => {
    const source = PAGE.split('\n');
    const sourceLine = (needle: string): string | undefined => {
      const line = lines.findIndex((each) => each.includes(needle)) + 1;
      const place = extraction?.places?.find((each) => each.startLine <= line && line <= each.endLine);
      expect(place?.kind).toBe('line');
      return source[(place?.number ?? 0) - 1];
    };
    expect(sourceLine('The pump guide')).toContain('<H1>');
    expect(sourceLine('The pump starts')).toContain('<P>The pump starts');
    expect(sourceLine('timeout')).toContain('timeout');
    expect(sourceLine('stop(')).toContain('stop(');
    expect(sourceLine('Text in a table')).toContain('Layout');
  });

  test('wraps a page of one line, all of which is line 1', () => {
    const body = Array.from({ length: 50 }, (_, i) => `<p>Paragraph ${i} says something in a few words.</p>`).join('');
    const one = htmlAsProse(`<html><body>${body}</body></html>`);
    expect(one?.text.split('\n').length).toBe(100);
    expect(one?.places).toEqual([{ kind: 'line', number: 1, startLine: 1, endLine: 99 }]);
  });

  test('is its main element where that holds the text', () => {
    const filler = 'The main text goes on for a while in whole sentences. '.repeat(8);
    const one = htmlAsProse(`<body><div>Legal notes of the company here.</div><main><h1>T</h1><p>${filler}</p></main>`);
    expect(one?.text).toContain('The main text');
    expect(one?.text).not.toContain('Legal notes');
  });
});

describe('HTML that is source code', () => {
  const prose = '<p>A sentence with more than six words in it stands here.</p>\n'.repeat(10);

  test.each([
    ['a template of Jinja', `{% extends "base.html" %}\n${prose}`],
    ['a template of Handlebars', `<h1>{{title}}</h1>\n${prose}`],
    ['a template of Angular', `<div *ngIf="user">${prose}</div>`],
    ['a component of Vue', `<div v-if="user">${prose}</div>`],
    ['PHP', `<?php echo 1; ?>${prose}`],
    ['a page that is a script', `<script>${'call();\n'.repeat(800)}</script>${prose}`],
    ['a page of controls', '<div class="a"><span id="b">Save</span><button>Open</button></div>\n'.repeat(80)],
    ['a fixture', '<html><body><p>Hello world</p></body></html>'],
  ])('%s stays as it is', (_, html) => {
    expect(htmlAsProse(html)).toBeUndefined();
    expect(HTML.extract).not.toBe('thread');
    const read =
      typeof HTML.extract === 'function' ? HTML.extract(Buffer.from(html), { maxCharacters: 1e6 }) : undefined;
    expect(read).toMatchObject({ text: html });
    expect(read).not.toHaveProperty('places');
  });

  test('a page about templates is a document', () => {
    expect(htmlAsProse(`${prose}<pre>{% if x %}</pre><p>Write <code>{{name}}</code> there.</p>`)?.text).toContain(
      '{% if x %}',
    );
  });

  test.skipIf(!existsSync(CASE))('its scripts are found whatever the case of the tag', async () => {
    const segmenter = await createSegmenter();
    const text = readFileSync(CASE, 'utf8');
    const { symbols } = await segmenter.segment({ path: 'legacy.html', language: 'html', text });
    segmenter.close();
    expect(symbols.map(({ name }) => name)).toContain('addTax');
  });
});
