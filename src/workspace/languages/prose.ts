import { MARKUP, PERCENT, SLASHES } from './comment-syntax';
import type { LanguageEntry } from './entry';

export const PLAIN_TEXT: LanguageEntry = {
  id: 'plaintext',
  kind: 'prose',
  markup: 'plaintext',
  extensions: 'txt text log',
  names: 'readme license copying changelog',
};

export const PROSE: readonly LanguageEntry[] = [
  { id: 'markdown', kind: 'prose', markup: 'markdown', extensions: 'md markdown mdown', comments: MARKUP },
  { id: 'mdx', kind: 'prose', markup: 'markdown', extensions: 'mdx', comments: MARKUP },
  // R Markdown and Quarto: documents with chunks of code.
  { id: 'rmd', kind: 'prose', markup: 'markdown', extensions: 'rmd qmd', comments: MARKUP, chunks: true },
  {
    id: 'restructuredtext',
    kind: 'prose',
    markup: 'restructuredtext',
    extensions: 'rst rest',
    imports: [/^\.\.\s+(?:include|literalinclude|toctree)::\s*(\S+)/gm],
  },
  { id: 'asciidoc', kind: 'prose', markup: 'asciidoc', extensions: 'adoc asciidoc asc', comments: SLASHES },
  { id: 'latex', kind: 'prose', markup: 'latex', extensions: 'tex sty cls bib', comments: PERCENT },
  { id: 'troff', kind: 'prose', markup: 'man', extensions: '1 2 3 4 5 6 7 8 man roff' },
  PLAIN_TEXT,
];
