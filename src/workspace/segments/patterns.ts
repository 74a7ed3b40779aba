import type { DocumentSymbol, Language, SymbolKind } from '../types';
import { commentAbove } from './comments';
import type { LineTable } from '../../base';
import { signatureOf } from './signature';

/** A definition recognised on one line (or on the lines of a C function's head). */
interface Pattern {
  kind: SymbolKind;
  /** Its first group is the name. */
  test: RegExp;
}

const C_LIKE: readonly Pattern[] = [
  { kind: 'macro', test: /^\s*#\s*define\s+([A-Za-z_]\w*)/ },
  { kind: 'struct', test: /^(?:typedef\s+)?(?:static\s+|const\s+)*(?:struct|union)\s+([A-Za-z_]\w*)\s*(?:\{|$)/ },
  { kind: 'enum', test: /^(?:typedef\s+)?enum\s+([A-Za-z_]\w*)\s*(?:\{|$)/ },
  { kind: 'type', test: /^typedef\s+[^;{]*?\b([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)?;/ },
  { kind: 'type', test: /^typedef\s+[^;{]*\(\s*\*\s*([A-Za-z_]\w*)\s*\)\s*\(/ },
  { kind: 'type', test: /^\}\s*(?:__attribute__\s*\(\(.*\)\)\s*)?([A-Za-z_]\w*)\s*;/ },
  {
    kind: 'function',
    test: /^(?!(?:return|else|if|for|while|switch|typedef|goto|case|sizeof)\b)(?:[A-Za-z_][\w\s*]*[\s*])?([A-Za-z_]\w*)\s*\([^;]*$/,
  },
];
const KOTLIN: readonly Pattern[] = [
  { kind: 'class', test: /^\s*(?:[\w@()"., ]+\s)?(?:class|object)\s+([A-Za-z_]\w*)/ },
  { kind: 'interface', test: /^\s*(?:\w+\s+)*interface\s+([A-Za-z_]\w*)/ },
  { kind: 'function', test: /^\s*(?:\w+\s+)*fun\s+(?:<[^>]*>\s*)?(?:[\w<>?.]+\.)?([A-Za-z_`][\w`]*)\s*\(/ },
  { kind: 'constant', test: /^\s{0,4}(?:\w+\s+)*va[lr]\s+([A-Za-z_]\w*)/ },
  { kind: 'type', test: /^\s*(?:\w+\s+)*typealias\s+([A-Za-z_]\w*)/ },
];
const SWIFT: readonly Pattern[] = [
  { kind: 'class', test: /^\s*(?:@?\w+\s+)*(?:class|actor|extension)\s+(?!func\b|var\b|let\b)([A-Za-z_][\w.]*)/ },
  { kind: 'struct', test: /^\s*(?:@?\w+\s+)*struct\s+([A-Za-z_]\w*)/ },
  { kind: 'enum', test: /^\s*(?:@?\w+\s+)*enum\s+([A-Za-z_]\w*)/ },
  { kind: 'interface', test: /^\s*(?:@?\w+\s+)*protocol\s+([A-Za-z_]\w*)/ },
  { kind: 'function', test: /^\s*(?:@?[\w()]+\s+)*func\s+([A-Za-z_]\w*)/ },
  { kind: 'type', test: /^\s*(?:\w+\s+)*typealias\s+([A-Za-z_]\w*)/ },
];
const SCALA: readonly Pattern[] = [
  { kind: 'class', test: /^\s*(?:[\w[\]]+\s+)*(?:class|object)\s+([A-Za-z_]\w*)/ },
  { kind: 'trait', test: /^\s*(?:\w+\s+)*trait\s+([A-Za-z_]\w*)/ },
  { kind: 'function', test: /^\s*(?:[\w[\]]+\s+)*def\s+([A-Za-z_]\w*)/ },
];
const YAML: readonly Pattern[] = [{ kind: 'key', test: /^([A-Za-z_][\w.-]*)\s*:(?:\s|$)/ }];
const PATTERNS: Readonly<Record<Language, readonly Pattern[]>> = {
  c: C_LIKE,
  cpp: [
    ...C_LIKE,
    { kind: 'class', test: /^\s*class\s+([A-Za-z_]\w*)[^;]*$/ },
    { kind: 'namespace', test: /^\s*namespace\s+([A-Za-z_][\w:]*)/ },
  ],
  'objective-c': [
    ...C_LIKE,
    { kind: 'class', test: /^@(?:interface|implementation|protocol)\s+([A-Za-z_]\w*)/ },
    { kind: 'method', test: /^[-+]\s*\([^)]*\)\s*([A-Za-z_]\w*)/ },
  ],
  kotlin: KOTLIN,
  groovy: [...KOTLIN, { kind: 'function', test: /^\s*(?:def|void|\w+)\s+([A-Za-z_]\w*)\s*\([^)]*\)\s*\{/ }],
  swift: SWIFT,
  scala: SCALA,
  dart: [
    { kind: 'class', test: /^\s*(?:abstract\s+|final\s+|sealed\s+)*(?:class|mixin|extension)\s+([A-Za-z_]\w*)/ },
    { kind: 'enum', test: /^\s*enum\s+([A-Za-z_]\w*)/ },
    {
      kind: 'function',
      test: /^\s*(?!(?:return|else|if|for|while|switch|await|throw)\b)(?:static\s+|external\s+)*[A-Za-z_][\w<>?,\s]*\s([A-Za-z_]\w*)\s*\([^;]*(?:\{|=>)/,
    },
  ],
  lua: [
    { kind: 'function', test: /^\s*(?:local\s+)?function\s+(?:[\w.]+[.:])?([A-Za-z_]\w*)/ },
    { kind: 'function', test: /^\s*(?:local\s+)?(?:[\w.]+\.)?([A-Za-z_]\w*)\s*=\s*function\b/ },
  ],
  perl: [
    { kind: 'function', test: /^\s*sub\s+([A-Za-z_]\w*)/ },
    { kind: 'module', test: /^\s*package\s+([\w:]+)/ },
  ],
  r: [{ kind: 'function', test: /^\s*([A-Za-z_.][\w.]*)\s*(?:<-|=)\s*function\b/ }],
  julia: [
    { kind: 'function', test: /^\s*(?:@\w+\s+)?function\s+(?:[\w.]+\.)?([A-Za-z_]\w*!?)/ },
    { kind: 'struct', test: /^\s*(?:mutable\s+)?struct\s+([A-Za-z_]\w*)/ },
    { kind: 'module', test: /^\s*module\s+([A-Za-z_]\w*)/ },
  ],
  elixir: [
    { kind: 'module', test: /^\s*defmodule\s+([\w.]+)/ },
    { kind: 'function', test: /^\s*def(?:p|macro|macrop)?\s+([a-z_]\w*[?!]?)/ },
  ],
  erlang: [
    { kind: 'function', test: /^([a-z]\w*)\s*\(.*->/ },
    { kind: 'module', test: /^-module\((\w+)\)/ },
  ],
  haskell: [
    { kind: 'function', test: /^([a-z_][\w']*)\s*::/ },
    { kind: 'type', test: /^(?:data|newtype|type|class)\s+(?:.*=>\s*)?([A-Z][\w']*)/ },
  ],
  clojure: [
    {
      kind: 'function',
      test: /^\s*\((?:defn-?|defmacro|defmulti|def|defprotocol|defrecord)\s+(?:\^\S+\s+)?([^\s()[\]]+)/,
    },
  ],
  fsharp: [
    { kind: 'function', test: /^\s*let\s+(?:rec\s+|inline\s+|private\s+)*([a-zA-Z_]\w*)/ },
    { kind: 'type', test: /^\s*type\s+([A-Z]\w*)/ },
    { kind: 'module', test: /^\s*module\s+([\w.]+)/ },
  ],
  zig: [
    { kind: 'function', test: /^\s*(?:pub\s+|export\s+|inline\s+)*fn\s+([A-Za-z_]\w*)/ },
    { kind: 'constant', test: /^\s{0,4}(?:pub\s+)?const\s+([A-Za-z_]\w*)/ },
  ],
  sql: [
    {
      kind: 'struct',
      test: /^\s*create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?(?:table|view|materialized\s+view)\s+(?:if\s+not\s+exists\s+)?["`[]?([\w.]+)/i,
    },
    { kind: 'function', test: /^\s*create\s+(?:or\s+replace\s+)?(?:function|procedure|trigger)\s+["`[]?([\w.]+)/i },
  ],
  proto3: [
    { kind: 'struct', test: /^\s*message\s+(\w+)/ },
    { kind: 'enum', test: /^\s*enum\s+(\w+)/ },
    { kind: 'interface', test: /^\s*service\s+(\w+)/ },
    { kind: 'method', test: /^\s*rpc\s+(\w+)/ },
  ],
  graphql: [{ kind: 'type', test: /^\s*(?:extend\s+)?(?:type|input|interface|enum|union|scalar)\s+(\w+)/ }],
  makefile: [{ kind: 'rule', test: /^([A-Za-z0-9_.%/-]+)\s*:(?!=)/ }],
  cmake: [
    { kind: 'function', test: /^\s*(?:function|macro)\s*\(\s*(\w+)/i },
    { kind: 'rule', test: /^\s*add_(?:executable|library|custom_target)\s*\(\s*(\w+)/i },
  ],
  dockerfile: [{ kind: 'rule', test: /^FROM\s+\S+\s+AS\s+(\S+)/i }],
  terraform: [
    { kind: 'rule', test: /^(?:resource|data)\s+"[^"]+"\s+"([^"]+)"/ },
    { kind: 'variable', test: /^(?:variable|output|module|provider)\s+"([^"]+)"/ },
  ],
  toml: [{ kind: 'key', test: /^\[+\s*([^\]]+?)\s*\]+/ }],
  properties: [{ kind: 'key', test: /^\[+\s*([^\]]+?)\s*\]+/ }],
  yaml: YAML,
  dockercompose: YAML,
  json: [{ kind: 'key', test: /^(?: {2,4}|\t)"([^"]{1,80})"\s*:\s*[[{]/ }],
  jsonc: [{ kind: 'key', test: /^(?: {2,4}|\t)"([^"]{1,80})"\s*:\s*[[{]/ }],
  html: [{ kind: 'rule', test: /<\w[^>]*\sid="([\w-]+)"/ }],
  scss: [
    { kind: 'function', test: /^\s*@(?:mixin|function)\s+([\w-]+)/ },
    { kind: 'variable', test: /^\s*(\$[\w-]+)\s*:/ },
    { kind: 'rule', test: /^([.#]?[\w-][^{};]*?)\s*\{/ },
  ],
  less: [
    { kind: 'variable', test: /^\s*(@[\w-]+)\s*:/ },
    { kind: 'rule', test: /^([.#]?[\w-][^{};]*?)\s*\{/ },
  ],
  // Also the fallback for grammars that ran out of time.
  python: [
    { kind: 'function', test: /^\s*(?:async\s+)?def\s+(\w+)/ },
    { kind: 'class', test: /^\s*class\s+(\w+)/ },
  ],
  ruby: [
    { kind: 'method', test: /^\s*def\s+(?:self\.)?([\w?!=]+)/ },
    { kind: 'class', test: /^\s*class\s+([\w:]+)/ },
    { kind: 'module', test: /^\s*module\s+([\w:]+)/ },
  ],
  go: [
    { kind: 'function', test: /^func\s+(?:\([^)]*\)\s*)?(\w+)/ },
    { kind: 'type', test: /^type\s+(\w+)/ },
  ],
  rust: [
    { kind: 'function', test: /^\s*(?:pub(?:\([^)]*\))?\s+)?(?:const\s+|async\s+|unsafe\s+)*fn\s+(\w+)/ },
    { kind: 'struct', test: /^\s*(?:pub(?:\([^)]*\))?\s+)?(?:struct|enum|union)\s+(\w+)/ },
    { kind: 'trait', test: /^\s*(?:pub\s+)?trait\s+(\w+)/ },
  ],
  php: [
    { kind: 'function', test: /^\s*(?:\w+\s+)*function\s+&?(\w+)/ },
    { kind: 'class', test: /^\s*(?:abstract\s+|final\s+)*(?:class|interface|trait)\s+(\w+)/ },
  ],
  shellscript: [{ kind: 'function', test: /^\s*(?:function\s+)?([\w-]+)\s*\(\)\s*\{?/ }],
};
const BRACES: readonly Pattern[] = [
  { kind: 'class', test: /^\s*(?:\w+\s+)*(?:class|interface|struct|enum|trait)\s+([A-Za-z_$][\w$]*)/ },
  { kind: 'function', test: /^\s*(?:\w+\s+)*(?:function\*?|func|fun|fn|def|sub)\s+([A-Za-z_$][\w$]*)/ },
  {
    kind: 'function',
    test: /^\s*(?:export\s+)?(?:const|let|var)\s+([A-Za-z_$][\w$]*)\s*=\s*(?:async\s*)?(?:function\b|\([^)]*\)\s*=>|\w+\s*=>)/,
  },
];

const C_FAMILY = new Set(['c', 'cpp', 'objective-c']);
const MAX_SYMBOLS = 20_000;
const MAX_HEAD_LINES = 12;

/** Definitions found line by line, for languages without a grammar. Linear in the text. */
export function symbolsByPattern(lines: LineTable, language: Language): DocumentSymbol[] {
  const patterns = PATTERNS[language] ?? (/^(?:type|java)script|^java$|^csharp$/.test(language) ? BRACES : undefined);
  if (!patterns) return [];
  const symbols: DocumentSymbol[] = [];
  const indents: number[] = [];
  for (let line = 0; line < lines.count && symbols.length < MAX_SYMBOLS; line++) {
    const text = lines.line(line, 300);
    if (text === '') continue;
    for (const { kind, test } of patterns) {
      const name = test.exec(text)?.[1];
      if (!name) continue;
      if (kind === 'function' && C_FAMILY.has(language) && !opensBody(lines, line)) break;
      symbols.push(symbolAt(lines, line, name, kind, language));
      indents.push(lines.indent(line));
      break;
    }
  }
  return nested(symbols, indents);
}

/** Whether a C head that begins at `line` is followed by `{` before any `;`. */
function opensBody(lines: LineTable, line: number): boolean {
  for (let next = line; next < Math.min(lines.count, line + MAX_HEAD_LINES); next++) {
    const text = lines.line(next, 300);
    const brace = text.indexOf('{');
    const semicolon = text.indexOf(';');
    if (brace >= 0 && (semicolon < 0 || brace < semicolon)) return true;
    if (semicolon >= 0 || /^\s*#/.test(text)) return false;
  }
  return false;
}

function symbolAt(lines: LineTable, line: number, name: string, kind: SymbolKind, language: Language): DocumentSymbol {
  const endLine = lastLine(lines, line, kind, language);
  const doc = commentAbove(lines, line, language);
  const signature = signatureOf(lines.text, lines.firstInk(line), lines.start(endLine + 1), language);
  return {
    name,
    kind,
    container: [],
    startLine: line + 1,
    endLine: endLine + 1,
    ...(doc ? { docLine: doc.line + 1, doc: doc.text } : {}),
    signature:
      kind === 'macro' || kind === 'key' || kind === 'rule' || kind === 'variable'
        ? lines.line(line, 200).trim()
        : signature,
    exported:
      !(C_FAMILY.has(language) ? /^\s*static\b/ : /^\s*(?:private|local|fileprivate|internal)\b/).test(
        lines.line(line, 80),
      ) && !name.startsWith('_'),
  };
}

const MAX_BODY_LINES = 5_000;

/** Where the block that begins at `line` ends: the line before the next one indented no deeper, closers included. */
function lastLine(lines: LineTable, line: number, kind: SymbolKind, language: Language): number {
  if (kind === 'macro') {
    let last = line;
    while (last + 1 < lines.count && lines.line(last, 1_000).endsWith('\\')) last++;
    return last;
  }
  const indent = lines.indent(line);
  let last = line;
  for (let next = line + 1; next < Math.min(lines.count, line + MAX_BODY_LINES); next++) {
    const here = lines.indent(next);
    if (here < 0) continue;
    if (here > indent) {
      last = next;
      continue;
    }
    if (here < indent) break;
    const ink = lines.text.charAt(lines.firstInk(next));
    // Directives stand at the margin wherever they are.
    if (ink === '#' && C_FAMILY.has(language)) continue;
    if (ink === '{' && next - line <= MAX_HEAD_LINES) continue;
    if (ink === '}' || ink === ')' || ink === ']') last = next;
    else if (/^\s*end\b/.test(lines.line(next, 40))) last = next;
    // A K&R head may run over several lines at the margin before its brace.
    else if (
      C_FAMILY.has(language) &&
      last === line &&
      next - line < MAX_HEAD_LINES &&
      opensBody(lines, line) &&
      !lines.line(line, 300).includes('{') &&
      headContinues(lines, line, next)
    )
      continue;
    else break;
    if (ink === '}' || /^\s*end\b/.test(lines.line(next, 40))) break;
  }
  return last;
}

/** No brace has opened between the head's first line and `next`. */
function headContinues(lines: LineTable, line: number, next: number): boolean {
  for (let i = line; i < next; i++) if (lines.line(i, 300).includes('{')) return false;
  return true;
}

/** Containers from ranges that enclose one another. */
function nested(symbols: readonly DocumentSymbol[], indents: readonly number[]): DocumentSymbol[] {
  const open: { symbol: DocumentSymbol; indent: number }[] = [];
  return symbols.map((symbol, i) => {
    const indent = indents[i] ?? 0;
    while (
      open.length > 0 &&
      ((open.at(-1)?.symbol.endLine ?? 0) < symbol.startLine || (open.at(-1)?.indent ?? 0) >= indent)
    )
      open.pop();
    const container = open.map((o) => o.symbol.name);
    const outer = open.at(-1)?.symbol.kind;
    open.push({ symbol, indent });
    const method =
      symbol.kind === 'function' &&
      (outer === 'class' || outer === 'struct' || outer === 'interface' || outer === 'trait' || outer === 'enum');
    return { ...symbol, container, kind: method ? 'method' : symbol.kind };
  });
}
