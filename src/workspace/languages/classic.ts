import type { LanguageEntry } from './entry';

/** Languages with words instead of braces around a body. */
export const CLASSIC: readonly LanguageEntry[] = [
  {
    id: 'fortran',
    braceless: true,
    extensions: 'f for f77 f90 f95 f03 f08',
    comments: { line: /^(?:\s*!|[cC*](?=\s))/, blocks: [], docMark: /^[<>!]/ },
    headEnds: 'line',
    quotes: '"',
    patterns: [
      {
        kind: 'function',
        test: /^\s*(?!end\b)(?:[\w*]+(?:\s*\([^)]*\))?\s+)*(?:function|subroutine)\s+([A-Za-z]\w*)/i,
      },
      { kind: 'module', test: /^\s*(?:module|submodule\s*\([^)]*\)|program)\s+(?!procedure\b)([A-Za-z]\w*)/i },
      { kind: 'struct', test: /^\s*type\s*(?:,[^:]*)?(?:::\s*|\s)(?!is\b)([A-Za-z]\w*)/i },
      { kind: 'interface', test: /^\s*(?:abstract\s+)?interface\s+([A-Za-z]\w*)/i },
    ],
    endsWith: /^\s*end\s*(?:$|!|function|subroutine|module|submodule|program|type|interface)/i,
    imports: [/^\s*use\s*(?:,\s*\w+\s*::\s*|::\s*|\s)([A-Za-z]\w*)/gim],
  },
  {
    id: 'cobol',
    extensions: 'cob cbl cpy cobol',
    comments: { line: /^(?:.{6}[*/]|\s*\*>)/, blocks: [] },
    headEnds: 'line',
    quotes: '"',
    patterns: [
      { kind: 'module', test: /^[\d ]{0,7}\s*PROGRAM-ID\.\s*([A-Z][\w-]*)/i },
      {
        kind: 'function',
        test: /^(?:[\w ]{6} {1,4}|\s{0,3})(?!(?:EXIT|STOP|GOBACK|CONTINUE|END-\w+|ELSE)\b)([A-Z\d][\w-]*?)(?:\s+SECTION)?\.\s*$/i,
      },
      { kind: 'struct', test: /^(?:[\w ]{6} {1,4}|\s{0,3})(?:01|FD)\s+(?!FILLER\b)([A-Z][\w-]*)/i },
    ],
    imports: [/^.{0,11}\bCOPY\s+["']?([\w.-]+?)["']?\s*\.?\s*$/gim],
  },
  {
    id: 'pascal',
    extensions: 'pas dpr lpr',
    comments: {
      line: /^\s*\/\//,
      blocks: [
        ['{', '}'],
        ['(*', '*)'],
      ],
    },
    headEnds: 'line',
    quotes: "'",
    patterns: [
      {
        kind: 'function',
        test: /^\s*(?:class\s+)?(?:function|procedure|constructor|destructor|operator)\s+(?:\w+\.)*([A-Za-z_]\w*)/i,
      },
      { kind: 'module', test: /^\s*(?:unit|program|library)\s+([A-Za-z_][\w.]*)\s*;/i },
      { kind: 'class', test: /^\s*([A-Za-z_]\w*)\s*=\s*(?:packed\s+)?(?:class|object|interface)\b/i },
      { kind: 'struct', test: /^\s*([A-Za-z_]\w*)\s*=\s*(?:packed\s+)?record\b/i },
    ],
    endsWith: /^\s*end\b/i,
  },
  {
    id: 'ada',
    extensions: 'adb ads ada',
    comments: { line: /^\s*--/, blocks: [] },
    headEnds: 'line',
    quotes: '"',
    patterns: [
      {
        kind: 'function',
        test: /^\s*(?:overriding\s+|not\s+)*(?:function|procedure|entry)\s+("[^"]+"|[A-Za-z][\w.]*)/i,
      },
      { kind: 'module', test: /^\s*(?:private\s+)?package\s+(?:body\s+)?([A-Za-z][\w.]*)/i },
      { kind: 'class', test: /^\s*(?:task|protected)\s+(?:type\s+|body\s+)?([A-Za-z]\w*)/i },
      { kind: 'type', test: /^\s*(?:sub)?type\s+([A-Za-z]\w*)/i },
    ],
    nameQuotes: /"/g,
    endsWith: /^\s*end\b/i,
    imports: [/^\s*with\s+([A-Za-z][\w.]*)/gim],
  },
  {
    id: 'vb',
    extensions: 'vb bas frm vbs',
    comments: { line: /^\s*(?:'|rem\s)/i, blocks: [] },
    headEnds: 'line',
    quotes: '"',
    patterns: [
      {
        kind: 'function',
        test: /^\s*(?!end\b|exit\b|declare\b)(?:\w+\s+)*(?:function|sub|property(?:\s+(?:get|let|set))?|operator)\s+(\[[^\]]+\]|[A-Za-z_]\w*)/i,
      },
      { kind: 'class', test: /^\s*(?!end\b)(?:\w+\s+)*class\s+([A-Za-z_]\w*)/i },
      { kind: 'module', test: /^\s*(?!end\b)(?:\w+\s+)*(?:module|namespace)\s+([A-Za-z_][\w.]*)/i },
      { kind: 'interface', test: /^\s*(?!end\b)(?:\w+\s+)*interface\s+([A-Za-z_]\w*)/i },
      { kind: 'struct', test: /^\s*(?!end\b)(?:\w+\s+)*(?:structure|type)\s+([A-Za-z_]\w*)/i },
      { kind: 'enum', test: /^\s*(?!end\b)(?:\w+\s+)*enum\s+([A-Za-z_]\w*)/i },
    ],
    nameQuotes: /[[\]]/g,
    imports: [/^\s*imports\s+([\w.]+)/gim],
  },
];
