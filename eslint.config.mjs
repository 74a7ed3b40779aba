import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * The rooms that each room may import from (docs/architecture.md, "Doors").
 */
const doors = {
  protocol: [],
  base: ['protocol'],
  rpc: ['protocol', 'base'],
  engine: ['base'],
  workspace: ['protocol', 'base'],
  memory: ['protocol', 'base', 'engine', 'workspace'],
  search: ['protocol', 'base', 'workspace', 'memory'],
  assistant: ['protocol', 'base', 'workspace', 'memory', 'search'],
  inference: ['protocol', 'base', 'rpc', 'engine', 'memory'],
  hub: ['base', 'engine'],
  app: ['protocol', 'base', 'rpc', 'engine', 'workspace', 'memory', 'search', 'assistant', 'inference', 'hub'],
  worker: ['protocol', 'base', 'rpc', 'app'],
  cli: ['protocol', 'base', 'app', 'engine', 'hub'],
  host: ['protocol', 'base', 'rpc', 'hub'],
  webview: ['protocol', 'base'],
};

const zones = Object.entries(doors).map(([room, open]) => ({
  target: `./src/${room}`,
  from: './src',
  except: [room, ...open].map((name) => `./${name}`),
}));

export default tseslint.config(
  { ignores: ['dist', 'node_modules', '.cache', 'models'] },
  ...tseslint.configs.recommended,
  {
    files: ['src/**/*.ts', 'test/**/*.ts'],
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.js', '.mjs', '.json'] })] },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always'],
    },
  },
  {
    // Only the host may know VS Code.
    files: ['src/**/*.ts'],
    ignores: ['src/host/**'],
    rules: { 'no-restricted-imports': ['error', { paths: ['vscode'] }] },
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
