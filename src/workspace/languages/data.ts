import { HASH, HASH_OR_SLASHES, MARKUP, QUOTED_TEXT, SEMICOLONS, SLASHES } from './comment-syntax';
import type { LanguageEntry, Pattern } from './entry';

const YAML: readonly Pattern[] = [{ kind: 'key', test: /^([A-Za-z_][\w.-]*)\s*:(?:\s|$)/ }];
const JSON_KEYS: readonly Pattern[] = [{ kind: 'key', test: /^(?: {2,4}|\t)"([^"]{1,80})"\s*:\s*[[{]/ }];
const SECTIONS: readonly Pattern[] = [{ kind: 'key', test: /^\[+\s*([^\]]+?)\s*\]+/ }];

/** Settings, records and tables. */
export const DATA: readonly LanguageEntry[] = [
  { id: 'json', kind: 'data', extensions: 'json webmanifest', comments: { blocks: [] }, patterns: JSON_KEYS },
  {
    id: 'jsonc',
    kind: 'data',
    extensions: 'jsonc code-workspace',
    names: '.babelrc .eslintrc .prettierrc tsconfig.json jsconfig.json',
    comments: SLASHES,
    patterns: JSON_KEYS,
  },
  { id: 'jsonl', kind: 'data', extensions: 'jsonl ndjson', comments: { blocks: [] } },
  {
    id: 'yaml',
    kind: 'data',
    extensions: 'yaml yml',
    names: '.clang-format .clang-tidy',
    comments: HASH,
    patterns: YAML,
  },
  {
    id: 'dockercompose',
    kind: 'data',
    names: 'docker-compose.yml docker-compose.yaml compose.yaml',
    comments: HASH,
    patterns: YAML,
  },
  {
    id: 'toml',
    kind: 'data',
    extensions: 'toml',
    names: 'pipfile cargo.lock poetry.lock uv.lock',
    comments: HASH,
    patterns: SECTIONS,
  },
  {
    id: 'ini',
    kind: 'data',
    extensions: 'ini cfg conf',
    names: '.gitconfig .gitmodules .npmrc',
    comments: SEMICOLONS,
    headEnds: 'line',
    grammar: { name: 'ini', query: `(section (section_name (text) @name)) @key` },
  },
  {
    id: 'properties',
    kind: 'data',
    extensions: 'properties editorconfig',
    names: 'requirements.txt',
    comments: HASH,
    patterns: SECTIONS,
  },
  {
    id: 'xml',
    kind: 'data',
    extensions: 'xml xsd xsl xslt plist csproj fsproj vbproj props targets resx xaml storyboard',
    firstCharacters: '<?xml',
    comments: MARKUP,
  },
  { id: 'csv', kind: 'data', extensions: 'csv tsv', comments: { blocks: [] } },
];

/** CREATE or ALTER of a kind of thing, whose name may be quoted in any dialect and have a schema before it. */
function sqlPattern(things: string): RegExp {
  const part = '(?:[\\w$]+|"[^"]+"|`[^`]+`|\\[[^\\]]+\\])';
  const head = '^\\s*(?:create\\s+(?:or\\s+(?:replace|alter)\\s+)?|alter\\s+(?=proc|function|view))';
  return new RegExp(`${head}${things}\\s+(?:if\\s+not\\s+exists\\s+)?(${part}(?:\\.${part})*)`, 'i');
}

/** Schemas, queries and the files of build tools. */
export const DECLARATIVE: readonly LanguageEntry[] = [
  {
    id: 'sql',
    braceless: true,
    extensions: 'sql',
    comments: { line: /^\s*(?:--|#)/, blocks: [['/*', '*/']] },
    statements: true,
    patterns: [
      {
        kind: 'struct',
        test: sqlPattern(
          '(?:(?:global|local)\\s+)?(?:temp(?:orary)?\\s+|unlogged\\s+|external\\s+|virtual\\s+)?(?:table|view|materialized\\s+view)',
        ),
      },
      {
        kind: 'function',
        test: sqlPattern(
          '(?:definer\\s*=\\s*\\S+\\s+)?(?:aggregate\\s+|constraint\\s+)?(?:function|proc(?:edure)?|trigger)',
        ),
      },
      { kind: 'module', test: sqlPattern('package(?:\\s+body)?') },
      { kind: 'type', test: sqlPattern('(?:type(?:\\s+body)?|domain)') },
      { kind: 'namespace', test: sqlPattern('(?:schema|database)') },
      { kind: 'function', test: /^\s+(?:function|procedure)\s+(\w+)[^;]*$/i },
    ],
    nameQuotes: /["`[\]]/g,
  },
  {
    id: 'proto3',
    extensions: 'proto',
    patterns: [
      { kind: 'struct', test: /^\s*message\s+(\w+)/ },
      { kind: 'enum', test: /^\s*enum\s+(\w+)/ },
      { kind: 'interface', test: /^\s*service\s+(\w+)/ },
      { kind: 'method', test: /^\s*rpc\s+(\w+)/ },
    ],
    imports: [/^\s*import\s+(?:public\s+)?"([^"\n]+)"/gm],
  },
  {
    id: 'graphql',
    extensions: 'graphql gql',
    comments: { ...HASH, blocks: QUOTED_TEXT },
    patterns: [
      { kind: 'enum', test: /^\s*(?:extend\s+)?enum\s+(\w+)/ },
      { kind: 'interface', test: /^\s*(?:extend\s+)?interface\s+(\w+)/ },
      { kind: 'type', test: /^\s*(?:extend\s+)?(?:type|input|union|scalar)\s+(\w+)/ },
      { kind: 'macro', test: /^\s*directive\s+(@\w+)/ },
      { kind: 'function', test: /^\s*(?:query|mutation|subscription|fragment)\s+(\w+)/ },
    ],
    imports: [/^#\s*import\s+"([^"\n]+)"/gm],
  },
  {
    id: 'terraform',
    extensions: 'tf tfvars hcl',
    comments: HASH_OR_SLASHES,
    patterns: [
      { kind: 'rule', test: /^(?:resource|data)\s+"[^"]+"\s+"([^"]+)"/ },
      { kind: 'variable', test: /^(?:variable|output|module|provider)\s+"([^"]+)"/ },
      { kind: 'variable', test: /^(locals|terraform)\s*\{/ },
    ],
  },
  {
    id: 'nix',
    extensions: 'nix',
    comments: { ...HASH, blocks: [['/*', '*/']] },
    headEnds: 'line',
    patterns: [
      // A function takes a name or a set: `add = a: b:`, `build = { name, ... }@args:`.
      {
        kind: 'function',
        test: /^\s*([\w.'-]+)\s*=\s*(?:\{[^{}]*\}\s*(?:@\s*\w+\s*)?|[A-Za-z_][\w'-]*\s*(?:@\s*\{[^{}]*\}\s*)?):(?=\s|$)/,
      },
      { kind: 'variable', test: /^(?: {0,4}|\t)([\w.'-]+)\s*=(?!=)/ },
    ],
    imports: [/\b(?:import|callPackage)\s+(\.{1,2}\/[\w./-]+)/g],
  },
  {
    id: 'cmake',
    extensions: 'cmake',
    names: 'cmakelists.txt',
    comments: { ...HASH, blocks: [['#[[', ']]']] },
    patterns: [
      { kind: 'function', test: /^\s*(?:function|macro)\s*\(\s*(\w+)/i },
      { kind: 'rule', test: /^\s*add_(?:executable|library|custom_target)\s*\(\s*([\w.-]+)/i },
      { kind: 'rule', test: /^add_(?:executable|library|custom_target)\s*\(\s*(\$\{\w+\})/i },
      { kind: 'module', test: /^project\s*\(\s*([\w.-]+)/i },
      { kind: 'variable', test: /^(?:set|option)\s*\(\s*(\w+)/i },
    ],
    imports: [/^\s*(?:include|add_subdirectory)\s*\(\s*([\w./-]+)/gim],
  },
  {
    id: 'makefile',
    extensions: 'mk mak',
    names: 'makefile gnumakefile',
    comments: HASH,
    headEnds: 'line',
    patterns: [
      { kind: 'variable', test: /^(?:export\s+|override\s+)*([A-Za-z_][\w.-]*)\s*(?:[?+!]|:{1,3})?=/ },
      { kind: 'function', test: /^define\s+([\w.-]+)/ },
      // `.PHONY` and its like are no targets.
      { kind: 'rule', test: /^(?!\.[A-Z])([\w.%/$(){}-]+)(?:\s+[\w.%/$(){}-]+)*\s*&?:(?![:=])/ },
    ],
    imports: [/^-?include\s+([\w./-]+)/gm],
  },
  {
    id: 'dockerfile',
    extensions: 'dockerfile',
    names: 'dockerfile containerfile',
    comments: HASH,
    headEnds: 'line',
    // A stage, by its name or else by its image.
    patterns: [{ kind: 'rule', test: /^FROM\s+(?:--\S+\s+)*(?:\S+\s+AS\s+)?(\S+)/i }],
    endsWith: /(?!)/,
  },
  {
    id: 'starlark',
    extensions: 'bzl bazel star',
    names: 'build workspace',
    comments: HASH,
    headEnds: 'colon',
    patterns: [
      { kind: 'function', test: /^\s*def\s+([A-Za-z_]\w*)/ },
      { kind: 'rule', test: /^\s+name\s*=\s*"([^"]+)"/ },
      { kind: 'constant', test: /^([A-Z][\w]*)\s*=(?!=)/ },
    ],
    imports: [/^load\(\s*"([^"\n]+)"/gm],
  },
  { id: 'ignore', names: '.gitignore .dockerignore .npmignore .anchorageignore codeowners', comments: HASH },
  { id: 'diff', extensions: 'diff patch', comments: HASH },
];
