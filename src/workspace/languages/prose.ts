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
  {
    id: 'restructuredtext',
    kind: 'prose',
    markup: 'restructuredtext',
    extensions: 'rst rest',
    imports: [/^\.\.\s+(?:include|literalinclude|toctree)::\s*(\S+)/gm],
  },
  { id: 'asciidoc', kind: 'prose', markup: 'plaintext', extensions: 'adoc asciidoc', comments: SLASHES },
  { id: 'latex', kind: 'prose', markup: 'plaintext', extensions: 'tex sty cls bib', comments: PERCENT },
  PLAIN_TEXT,
];
