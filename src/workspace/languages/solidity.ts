import type { LanguageEntry } from './entry';

/** @vscode/tree-sitter-wasm has no Solidity grammar. Patterns suffice, because declarations begin their lines. */
export const SOLIDITY: LanguageEntry = {
  id: 'solidity',
  extensions: 'sol',
  patterns: [
    { kind: 'class', test: /^\s*(?:abstract\s+)?(?:contract|library)\s+([A-Za-z_$][\w$]*)/ },
    { kind: 'interface', test: /^\s*interface\s+([A-Za-z_$][\w$]*)/ },
    { kind: 'struct', test: /^\s*struct\s+([A-Za-z_$][\w$]*)/ },
    { kind: 'enum', test: /^\s*enum\s+([A-Za-z_$][\w$]*)/ },
    { kind: 'function', test: /^\s*(?:function|modifier)\s+([A-Za-z_$][\w$]*)/ },
    { kind: 'function', test: /^\s*(constructor|receive|fallback)\s*\(/ },
    { kind: 'type', test: /^\s*(?:event|error|type)\s+([A-Za-z_$][\w$]*)/ },
    {
      kind: 'constant',
      test: /^\s*[\w.[\]]+\s+(?:(?:public|private|internal)\s+)?(?:constant|immutable)\s+(?:(?:public|private|internal)\s+)?([A-Za-z_$][\w$]*)/,
    },
  ],
  imports: [/^\s*import\s*(?:[^'";]{0,2000}?\bfrom\s*)?['"]([^'"\n]+)['"]/gm],
  isExported: ({ head }) => !/\b(?:private|internal)\b/.test(head),
};
