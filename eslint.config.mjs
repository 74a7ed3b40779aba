import checkFile from 'eslint-plugin-check-file';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * The rooms that each room may import from (docs/architecture.md, "Imports").
 */
const doors = {
  protocol: [],
  base: ['protocol'],
  rpc: ['protocol', 'base'],
  engine: ['base'],
  workspace: ['protocol', 'base'],
  memory: ['protocol', 'base', 'engine', 'workspace'],
  team: ['protocol', 'base', 'workspace', 'memory'],
  search: ['protocol', 'base', 'workspace', 'memory'],
  assistant: ['protocol', 'base', 'workspace', 'memory', 'search'],
  inference: ['protocol', 'base', 'rpc', 'engine', 'memory'],
  hub: ['base', 'engine'],
  app: ['protocol', 'base', 'rpc', 'engine', 'workspace', 'memory', 'team', 'search', 'assistant', 'inference', 'hub'],
  worker: ['protocol', 'base', 'rpc', 'app'],
  cli: ['protocol', 'base', 'rpc', 'app', 'engine', 'hub'],
  mcp: ['protocol', 'base', 'rpc'],
  host: ['protocol', 'base', 'rpc', 'hub'],
  webview: ['protocol', 'base'],
};

const layers = Object.entries(doors).map(([room, open]) => ({
  target: `./src/${room}`,
  from: './src',
  except: [room, ...open].map((name) => `./${name}`),
}));

/** Files that other rooms may import beside a room's index.ts. The protocol is open: it has types by wire. */
const sideDoors = { base: ['./node.ts', './no-telemetry.ts'] };

/** The inside of a room is reached only through its index.ts. Tests may reach further. */
const insides = Object.keys(doors)
  .filter((room) => room !== 'protocol')
  .map((room) => ({
    target: Object.keys(doors)
      .filter((other) => other !== room)
      .map((other) => `./src/${other}`),
    from: `./src/${room}`,
    except: ['./index.ts', ...(sideDoors[room] ?? [])],
    message: `Import from src/${room}/index.ts.`,
  }));

/** Prettier breaks code at 120 columns; this holds comments and strings to it. */
const maxLength = {
  code: 120,
  ignoreUrls: true,
  ignoreRegExpLiterals: true,
  // A text for translation is one literal.
  ignorePattern: "^\\s*'[^']*',?$",
};

export default tseslint.config(
  { ignores: ['dist', 'node_modules', '.cache', 'models'] },
  ...tseslint.configs.recommended,
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js', '.mjs', '.json'] })],
      'import-x/extensions': ['.ts'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones: [...layers, ...insides] }],
      'import-x/no-cycle': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always'],
    },
  },
  {
    files: ['**/*.{ts,mts,mjs}'],
    plugins: { 'check-file': checkFile },
    rules: {
      'max-len': ['error', maxLength],
      // A comment begins with its subject or its verb, and says it in a sentence.
      'no-warning-comments': ['error', { terms: ['what', 'of', 'by what'], location: 'start', decoration: ['*'] }],
      'check-file/filename-naming-convention': [
        'error',
        { '**/*.{ts,mts,mjs}': 'KEBAB_CASE' },
        { ignoreMiddleExtensions: true },
      ],
      'check-file/folder-naming-convention': ['error', { '{src,test,scripts}/**/': 'KEBAB_CASE' }],
    },
  },
  {
    // Markup, queries and lists of words in templates of many lines, which cannot be broken anywhere.
    files: [
      'src/webview/**/*.ts',
      'src/host/views/panel-html.ts',
      'src/cli/context.ts',
      'src/workspace/languages/*.ts',
      'scripts/lib/fixture-workspace.mjs',
    ],
    rules: { 'max-len': ['error', { ...maxLength, ignoreTemplateLiterals: true }] },
  },
  {
    // Tests name what they show, and hold texts as they are found.
    files: ['test/**/*.ts'],
    rules: { 'max-len': ['error', { ...maxLength, ignoreStrings: true, ignoreTemplateLiterals: true }] },
  },
  {
    // The suites in the editor are numbered in their order: 1-activation.suite.ts.
    files: ['test/vscode/{suite,ui}/[0-9]-*.ts'],
    rules: {
      'check-file/filename-naming-convention': [
        'error',
        { '**/*.ts': '[0-9]*(-+([a-z0-9]))' },
        { ignoreMiddleExtensions: true },
      ],
    },
  },
  {
    // Only the host may know VS Code; only one file may load ONNX Runtime, because its telemetry must be off before.
    files: ['src/**/*.ts'],
    ignores: ['src/host/**', 'src/engine/onnxruntime.ts', 'src/engine/onnxruntime-wasm.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: ['vscode', 'onnxruntime-node', 'onnxruntime-web'] }] },
  },
  {
    // The list of texts is made from the literals (npm run l10n).
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...["[callee.object.name='l10n']", "[callee.object.property.name='l10n']"].map((owner) => ({
          selector: `CallExpression${owner}[callee.property.name='t'] > :not(Literal).arguments:first-child`,
          message: 'Give l10n.t() a literal text, with {0}, {1} … for values.',
        })),
      ],
    },
  },
  {
    files: ['scripts/**/*.mjs', '*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        fetch: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
      },
    },
  },
);
