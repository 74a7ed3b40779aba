import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { Document } from '../../../src/library/types';

/** Extension → language id: enough of them for the benchmark's repositories; the product has its own, larger table. */
const LANGUAGES: Readonly<Record<string, string>> = {
  py: 'python', pyi: 'python', js: 'javascript', mjs: 'javascript', cjs: 'javascript', ts: 'typescript', mts: 'typescript', tsx: 'typescriptreact', jsx: 'javascriptreact',
  go: 'go', rs: 'rust', java: 'java', c: 'c', h: 'c', cc: 'cpp', cpp: 'cpp', hpp: 'cpp', cs: 'csharp', rb: 'ruby', php: 'php', sh: 'shellscript', css: 'css',
  md: 'markdown', rst: 'restructuredtext', txt: 'plaintext', html: 'html', svelte: 'svelte', json: 'json', yml: 'yaml', yaml: 'yaml', toml: 'toml', cfg: 'ini', ini: 'ini', sql: 'sql',
};

/** Every text file below `directory` of at most `maxBytes`, in order of path. */
export function readCorpus(directory: string, maxBytes = 1_000_000): Document[] {
  const documents: Document[] = [];
  const walk = (relative: string): void => {
    for (const entry of readdirSync(join(directory, relative), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory()) {
        if (entry.name !== '.git' && entry.name !== 'node_modules') walk(path);
        continue;
      }
      if (!entry.isFile()) continue;
      const file = join(directory, path);
      const { size } = statSync(file);
      if (size === 0 || size > maxBytes) continue;
      const bytes = readFileSync(file);
      if (bytes.subarray(0, 8000).includes(0)) continue;
      const text = bytes.toString('utf8');
      const language = LANGUAGES[extname(path).slice(1).toLowerCase()] ?? 'plaintext';
      documents.push({ file, path, language, text, hash: createHash('sha256').update(text).digest('hex') });
    }
  };
  walk('');
  return documents;
}
