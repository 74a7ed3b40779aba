import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * Which folder may import which (docs/architecture.md, "Doors"). Each entry reads: files in `target` may not
 * import from `from`, except what `except` names.
 */
const zones = [
  { target: './src/engine', from: './src', except: ['./engine'] },
  { target: './src/library', from: './src', except: ['./library', './engine', './protocol.ts'] },
  { target: './src/assistant', from: './src', except: ['./assistant', './library', './engine', './protocol.ts'] },
  { target: './src/hub', from: './src', except: ['./hub', './engine/checkpoint', './protocol.ts'] },
  { target: './src/worker', from: './src', except: ['./worker', './assistant', './library', './engine', './hub', './protocol.ts'] },
  { target: './src/cli', from: './src', except: ['./cli', './worker', './assistant', './library', './engine', './hub', './protocol.ts'] },
  { target: './src/host', from: './src', except: ['./host', './hub', './protocol.ts'] },
  { target: './src/webview', from: './src', except: ['./webview', './protocol.ts'] },
  { target: './src/protocol.ts', from: './src', except: [] },
];

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
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', fetch: 'readonly', setTimeout: 'readonly', clearTimeout: 'readonly' } },
  },
);
