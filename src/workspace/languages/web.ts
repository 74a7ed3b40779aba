import { BLOCKS_ONLY, COMPONENT, MARKUP, SLASHES } from './comment-syntax';
import { ECMASCRIPT_IMPORTS } from './ecmascript';
import type { LanguageEntry, Pattern } from './entry';

const STYLE_IMPORTS = [/@(?:import|use|forward)\s+(?:url\()?\s*['"]([^'"\n]+)['"]/g];
const RULE: Pattern = { kind: 'rule', test: /^([.#]?[\w-][^{};]*?)\s*\{/ };

/** Markup, styles, and components with script, style and template. */
export const WEB: readonly LanguageEntry[] = [
  {
    id: 'html',
    extensions: 'html htm xhtml',
    comments: MARKUP,
    scripts: true,
    patterns: [{ kind: 'rule', test: /<\w[^>]*\sid="([\w-]+)"/ }],
    imports: [/<(?:script|link|img)\b[^>]*\b(?:src|href)="([^"\n]+)"/g],
  },
  { id: 'vue', extensions: 'vue', comments: COMPONENT, scripts: true, imports: ECMASCRIPT_IMPORTS },
  { id: 'svelte', extensions: 'svelte', comments: COMPONENT, scripts: true, imports: ECMASCRIPT_IMPORTS },
  {
    id: 'astro',
    extensions: 'astro',
    comments: COMPONENT,
    scripts: true,
    frontmatter: true,
    imports: ECMASCRIPT_IMPORTS,
  },
  { id: 'handlebars', extensions: 'hbs handlebars', comments: MARKUP },
  {
    id: 'jinja',
    extensions: 'jinja j2 jinja2',
    comments: { blocks: [['{#', '#}']] },
    headEnds: 'line',
    patterns: [
      { kind: 'function', test: /^\s*\{%-?\s*macro\s+([A-Za-z_]\w*)/ },
      { kind: 'rule', test: /^\s*\{%-?\s*block\s+([A-Za-z_]\w*)/ },
    ],
    endsWith: /^\s*\{%-?\s*end(?:macro|block)\b/,
    imports: [/\{%-?\s*(?:extends|include|import|from)\s+['"]([^'"\n]+)['"]/g],
  },
  {
    id: 'css',
    extensions: 'css',
    comments: BLOCKS_ONLY,
    grammar: {
      name: 'css',
      query: `
(rule_set (selectors) @name) @rule
(keyframes_statement (keyframes_name) @name) @rule`,
    },
    imports: STYLE_IMPORTS,
  },
  {
    id: 'scss',
    extensions: 'scss',
    comments: SLASHES,
    patterns: [
      { kind: 'function', test: /^\s*@(?:mixin|function)\s+([\w-]+)/ },
      { kind: 'variable', test: /^\s*(\$[\w-]+)\s*:/ },
      RULE,
    ],
    imports: STYLE_IMPORTS,
  },
  {
    id: 'sass',
    extensions: 'sass',
    comments: SLASHES,
    headEnds: 'line',
    patterns: [
      { kind: 'function', test: /^(?:@(?:mixin|function)\s+|=)([\w-]+)/ },
      { kind: 'variable', test: /^(\$[\w-]+)\s*:/ },
      { kind: 'rule', test: /^([.#%&]?[\w-][^:;{}]*?)\s*,?$/ },
    ],
    imports: STYLE_IMPORTS,
  },
  {
    id: 'less',
    extensions: 'less',
    comments: SLASHES,
    patterns: [{ kind: 'variable', test: /^\s*(@[\w-]+)\s*:/ }, RULE],
    imports: STYLE_IMPORTS,
  },
];
