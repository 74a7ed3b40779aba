import type { QueryMatch, Tree } from '@vscode/tree-sitter-wasm';
import type { DocumentSymbol, Language, SymbolKind } from '../../types';
import { commentAbove, plainDocstring } from '../comments';
import { entryOf, type LanguageEntry, TYPE_KINDS } from '../../languages';
import { isExported } from '../exports';
import { parseBudget } from './budget';
import { MAX_SYMBOLS } from '../limits';
import type { LineTable } from '../../../base';
import { signatureOf } from '../signature';
import type { LoadedGrammar } from './parser';

/** A definition found by the query. Offsets are UTF-16 units. */
interface Found {
  name: string;
  kind: string;
  start: number;
  end: number;
  nameStart: number;
  receiver?: string;
}

const MAX_NAME = 100;
/** Maximum number of lines that annotations and template parameters take before a name. */
const MOST_LINES_BEFORE_NAME = 40;

/** Returns the definitions of a document in the order of their first lines, outer before inner. */
export function symbolsOf(lines: LineTable, tree: Tree, grammar: LoadedGrammar, language: Language): DocumentSymbol[] {
  const entry = entryOf(language);
  const matches = grammar.query.matches(tree.rootNode, { progressCallback: parseBudget() });
  // Patterns are in order of preference, while matches are in the order in which they end.
  matches.sort((a, b) => a.patternIndex - b.patternIndex);
  const found = distinct(matches.map((match) => read(match, lines.text)).filter((f) => f !== undefined)).filter(
    (f) => !isImport(f, lines.text, entry),
  );
  const exportedNames = entry.exportedNames?.(lines.text) ?? new Set<string>();
  const symbols: DocumentSymbol[] = [];
  const open: Found[] = [];
  for (const f of found) {
    while ((open.at(-1)?.end ?? Infinity) <= f.start) open.pop();
    const outer = open.at(-1);
    const container = [...new Set([...open.map((o) => o.name), ...(f.receiver ? [f.receiver] : [])])];
    if (f.kind === 'scope') {
      open.push(f);
      continue;
    }
    symbols.push(toSymbol(lines, f, outer, container, entry, exportedNames));
    // In `typedef struct a { … } b`, a is beside b, not inside it. The same holds for text that a derailed parser puts
    // before a name.
    if (f.kind !== 'type' && lines.lineAt(f.nameStart) - lines.lineAt(f.start) <= MOST_LINES_BEFORE_NAME) open.push(f);
  }
  return symbols;
}

function read(match: QueryMatch, text: string): Found | undefined {
  let name: string | undefined;
  let nameStart = 0;
  let receiver: string | undefined;
  let node: Pick<Found, 'kind' | 'start' | 'end'> | undefined;
  for (const capture of match.captures) {
    const start = capture.node.startIndex;
    if (capture.name === 'name') {
      name = text.slice(start, Math.min(capture.node.endIndex, start + MAX_NAME * 2));
      nameStart = start;
    } else if (capture.name === 'receiver') {
      receiver = /([A-Za-z_]\w*)\s*(?:\[[^\]]*\])?\s*\)$/.exec(
        text.slice(start, Math.min(capture.node.endIndex, start + 200)),
      )?.[1];
    } else {
      node = { kind: capture.name, start, end: capture.node.endIndex };
    }
  }
  if (name === undefined || !node) return undefined;
  // The class in `module.exports = class Pool …` is known as Pool.
  const own =
    name === 'exports'
      ? /=\s*(?:async\s+)?(?:class|function)\b\s*\*?\s*(?!extends\b)([\w$]+)/.exec(
          text.slice(nameStart, Math.min(node.end, nameStart + 300)),
        )
      : null;
  if (own?.[1]) {
    name = own[1];
    nameStart += own.index + own[0].length - name.length;
  }
  return { ...node, name: name.replace(/\s+/g, ' ').slice(0, MAX_NAME), nameStart, ...(receiver ? { receiver } : {}) };
}

function isImport({ kind, start, end }: Found, text: string, { importBinding }: LanguageEntry): boolean {
  return (
    (kind === 'constant' || kind === 'variable') &&
    end - start < 400 &&
    importBinding !== undefined &&
    importBinding.test(text.slice(start, end))
  );
}

/** Sorts outer before inner, and keeps each name once, from the first pattern that matched it. */
function distinct(found: Found[]): Found[] {
  const seen = new Set<number>();
  const once = found.filter((f) => !seen.has(f.nameStart) && seen.add(f.nameStart));
  return once.sort((a, b) => a.start - b.start || b.end - a.end).slice(0, MAX_SYMBOLS);
}

const KINDS: Readonly<Record<string, SymbolKind>> = { declaration: 'function' };

function toSymbol(
  lines: LineTable,
  f: Found,
  outer: Found | undefined,
  container: string[],
  entry: LanguageEntry,
  exportedNames: ReadonlySet<string>,
): DocumentSymbol {
  let { name } = f;
  let kind = KINDS[f.kind] ?? (f.kind as SymbolKind);
  const scopes = entry.scopeSeparator === undefined ? [name] : name.split(entry.scopeSeparator);
  if (scopes.length > 1) {
    name = scopes.pop() ?? name;
    container.push(...scopes.filter((scope) => scope !== ''));
  }
  if (
    kind === 'function' &&
    scopes.length > 0 &&
    container.length > 0 &&
    (TYPE_KINDS.has(outer?.kind ?? '') || name !== f.name)
  )
    kind = 'method';
  if (
    kind === 'constant' &&
    entry.constantWord !== undefined &&
    !entry.constantWord.test(declarationWord(lines, f.start))
  )
    kind = 'variable';
  name = name.replace(/^["'`](.*)["'`]$/, '$1');

  const firstLine = lines.lineAt(f.start);
  const nameLine = lines.lineAt(f.nameStart);
  const line = firstDeclarationLine(lines, firstLine, nameLine);
  const endLine = lines.lineAt(Math.max(f.start, f.end - 1));
  // A definition on the same line as an outer one has no comment of its own.
  const nested = outer !== undefined && outer.kind !== 'scope' && lines.lineAt(outer.nameStart) === nameLine;
  const head = nested ? afterBracket(lines.text, f.start) : Math.max(lines.firstInk(line), lines.start(line));
  const signature = signatureOf(lines.text, head, Math.max(f.end, head + 1), entry.id);
  const doc =
    (entry.documentation === 'docstring' ? docstring(lines, f) : undefined) ??
    (nested ? undefined : commentAbove(lines, line, entry.id));
  const leading = lines.text.slice(nested ? head : lines.firstInk(firstLine), f.start);
  return {
    name,
    kind,
    container,
    startLine: line + 1,
    endLine: endLine + 1,
    ...(doc ? { docLine: doc.line + 1, doc: doc.text } : {}),
    signature,
    exported:
      exportedNames.has(name) || isExported({ name, head: `${leading} ${signature}`, outerKind: outer?.kind }, entry),
    ...(f.kind === 'declaration' ? { declaration: true } : {}),
  };
}

/** Returns the start of the declaration that contains `start`, on a line that begins with another declaration. */
function afterBracket(text: string, start: number): number {
  const before = text.slice(Math.max(0, start - 60), start);
  const words = /[^{};(,\n]*$/.exec(before)?.[0].trimStart() ?? '';
  return start - words.length;
}

function declarationWord(lines: LineTable, start: number): string {
  const line = lines.lineAt(start);
  return lines.text.slice(lines.firstInk(line), start).replace(/^export\s+(?:default\s+|declare\s+)?/, '');
}

/** Returns the first line of the declaration itself, after annotations and attributes on lines of their own. */
function firstDeclarationLine(lines: LineTable, first: number, nameLine: number): number {
  let line = first;
  while (
    line < nameLine &&
    /^\s*(?:@\w[\w.]*\s*(?:\(.*\))?|#\[.*\]|\[.*\]|template\s*<.*>)\s*$/.test(lines.line(line, 300))
  )
    line++;
  return line;
}

/** Finds the string that opens a Python body, by layout: the first line after the head. */
function docstring(lines: LineTable, f: Found): { line: number; text: string } | undefined {
  if (f.kind !== 'function' && f.kind !== 'class') return undefined;
  const head = signatureEnd(lines.text, f.nameStart, f.end);
  if (head < 0) return undefined;
  const match = /^[ \t]*(?:#.*)?\s*((?:[rRuU]?)("""|'''|"|'))/.exec(lines.text.slice(head, head + 400));
  if (!match?.[1] || !match[2]) return undefined;
  const start = head + match[0].length - match[1].length;
  const close = lines.text.indexOf(match[2], start + match[1].length);
  if (close < 0 || close > f.end) return undefined;
  const text = plainDocstring(lines.text.slice(start, close + match[2].length));
  return text === '' ? undefined : { line: lines.lineAt(start), text };
}

/** Returns the offset after the colon that opens a Python body, or −1. */
function signatureEnd(text: string, start: number, end: number): number {
  let depth = 0;
  for (let i = start; i < Math.min(end, start + 4_000); i++) {
    const character = text[i];
    if (character === '(' || character === '[' || character === '{') depth++;
    else if (character === ')' || character === ']' || character === '}') depth--;
    else if (character === '#' && depth === 0) return -1;
    else if (character === ':' && depth === 0) return i + 1;
  }
  return -1;
}
