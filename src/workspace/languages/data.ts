import { DASHES, HASH, HASH_OR_SLASHES, MARKUP, SEMICOLONS, SLASHES } from './comment-syntax';
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

/** Schemas, queries and the files of build tools. */
export const DECLARATIVE: readonly LanguageEntry[] = [
  {
    id: 'sql',
    braceless: true,
    extensions: 'sql',
    comments: DASHES,
    patterns: [
      {
        kind: 'struct',
        test: /^\s*create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?(?:table|view|materialized\s+view)\s+(?:if\s+not\s+exists\s+)?((?:[\w$]+|"[^"]+"|`[^`]+`|\[[^\]]+\])(?:\.(?:[\w$]+|"[^"]+"|`[^`]+`|\[[^\]]+\]))*)/i,
      },
      {
        kind: 'function',
        test: /^\s*create\s+(?:or\s+replace\s+)?(?:function|procedure|trigger)\s+((?:[\w$]+|"[^"]+"|`[^`]+`|\[[^\]]+\])(?:\.(?:[\w$]+|"[^"]+"|`[^`]+`|\[[^\]]+\]))*)/i,
      },
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
    comments: HASH,
    patterns: [{ kind: 'type', test: /^\s*(?:extend\s+)?(?:type|input|interface|enum|union|scalar)\s+(\w+)/ }],
  },
  {
    id: 'terraform',
    extensions: 'tf tfvars hcl',
    comments: HASH_OR_SLASHES,
    patterns: [
      { kind: 'rule', test: /^(?:resource|data)\s+"[^"]+"\s+"([^"]+)"/ },
      { kind: 'variable', test: /^(?:variable|output|module|provider)\s+"([^"]+)"/ },
    ],
  },
  { id: 'nix', extensions: 'nix', comments: { ...HASH, blocks: [['/*', '*/']] } },
  {
    id: 'cmake',
    extensions: 'cmake',
    names: 'cmakelists.txt',
    comments: { ...HASH, blocks: [['#[[', ']]']] },
    patterns: [
      { kind: 'function', test: /^\s*(?:function|macro)\s*\(\s*(\w+)/i },
      { kind: 'rule', test: /^\s*add_(?:executable|library|custom_target)\s*\(\s*(\w+)/i },
    ],
  },
  {
    id: 'makefile',
    extensions: 'mk mak',
    names: 'makefile gnumakefile',
    comments: HASH,
    headEnds: 'line',
    patterns: [{ kind: 'rule', test: /^([A-Za-z0-9_.%/-]+)\s*:(?!=)/ }],
  },
  {
    id: 'dockerfile',
    extensions: 'dockerfile',
    names: 'dockerfile containerfile',
    comments: HASH,
    patterns: [{ kind: 'rule', test: /^FROM\s+\S+\s+AS\s+(\S+)/i }],
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
